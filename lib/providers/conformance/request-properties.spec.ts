import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ChatRequest } from '../../chat/chat-types.js';
import { validateChatRequest } from '../../chat/validate-chat-request.js';
import { InvalidRequestError } from '../../errors/invalid-request-error.js';
import { adapterFor } from '../adapter-registry.js';
import { isJsonObject, listOf, objectOf, textOf, type JsonObject } from '../json-reading.js';
import { askedOfAnthropic } from './ask-anthropic.spec-support.js';
import { askedOfGemini } from './ask-gemini.spec-support.js';
import { chatRequest } from './chat-request.spec-support.js';
import { complaintsOfRequest } from './provider-schemas.spec-support.js';
import { hasShared } from './recordings.spec-support.js';
import { PLAIN_CALL } from './translate.spec-support.js';

const TARGETS = [
  ['anthropic', 'claude-3-5-haiku-latest'],
  ['anthropic', 'claude-sonnet-4-0'],
  ['anthropic', 'claude-haiku-4-5'],
  ['anthropic', 'claude-opus-4-8'],
  ['gemini', 'gemini-2.0-flash'],
  ['gemini', 'gemini-2.5-flash'],
  ['gemini', 'gemini-3-pro-preview'],
  ['gemini', 'gemma-3-27b-it'],
] as const;

/** The body on the wire; undefined: refused with a reason, which is all that may be thrown. */
function build(
  api: 'anthropic' | 'gemini',
  upstreamModel: string,
  request: ChatRequest,
  reasoning: boolean,
): JsonObject | undefined {
  try {
    const { body } = adapterFor(api).buildRequest({
      ...PLAIN_CALL,
      request: validateChatRequest(request),
      upstreamModel,
      reasoning,
    });
    return JSON.parse(JSON.stringify(body)) as JsonObject;
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidRequestError);
    return undefined;
  }
}

describe('any valid request', () => {
  describe.skipIf(!hasShared)('against published schemas (skipped where ../shared is absent)', () => {
    it.each(TARGETS)('is valid at %s %s, or refused with a reason', (api, model) => {
      let built = 0;
      let asked = 0;
      fc.assert(
        fc.property(chatRequest, fc.boolean(), (request, reasoning) => {
          const body = build(api, model, request, reasoning);
          asked += 1;
          if (body === undefined) return;
          built += 1;
          expect(complaintsOfRequest(api, body)).toEqual([]);
        }),
        { numRuns: 150 },
      );
      // A wire that refuses everything would pass too.
      expect(built).toBeGreaterThan(asked / 4);
    });
  });

  // Gemma has no system instruction: there it goes into the first question, which has a test of its own.
  const readable = TARGETS.filter(([, model]) => !model.startsWith('gemma'));
  it.each(readable)('says the same when it is read back from %s %s', (api, model) => {
    fc.assert(
      fc.property(chatRequest, (request) => {
        // Schemas on the way down may become words or a tool: the suite of recordings looks at those.
        const { response_format: _format, reasoning_effort: _effort, ...plain } = request;
        const body = build(api, model, plain, false);
        if (body === undefined) return;
        const back = api === 'anthropic' ? askedOfAnthropic(body) : askedOfGemini(body, model);
        expect(saidIn(back.request)).toEqual(saidIn(plain));
      }),
      { numRuns: 150 },
    );
  });

  it.each(TARGETS)('loses no tool and no schema on the way to %s %s', (api, model) => {
    let built = 0;
    fc.assert(
      fc.property(chatRequest, (request) => {
        const { tool_choice: _choice, ...free } = request;
        const body = build(api, model, free, false);
        if (body === undefined) return;
        built += 1;
        // As JSON where there is a field for it, quoted in an instruction where there is none.
        const sent = JSON.stringify(body).replaceAll('\\', '');
        for (const name of namesIn(free)) expect(sent).toContain(`"${name}"`);
        if (free.response_format?.type === 'json_object')
          expect(sent).toMatch(/application\/json|JSON object/);
      }),
      { numRuns: 150 },
    );
    expect(built).toBeGreaterThan(30);
  });
});

/** Names of the tools, of all their arguments, and of the fields of the answer that is wanted. */
function namesIn(request: ChatRequest): string[] {
  const format = request.response_format;
  return [
    ...(format?.type === 'json_schema' ? propertiesOf(format.json_schema.schema) : []),
    ...(request.tools ?? []).flatMap((tool) =>
      tool.type === 'function' ? [tool.function.name, ...propertiesOf(tool.function.parameters)] : [],
    ),
  ];
}

function propertiesOf(schema: unknown): string[] {
  if (!isJsonObject(schema)) return [];
  const properties = objectOf(schema.properties) ?? {};
  return [
    ...Object.keys(properties),
    ...[...Object.values(properties), schema.items, ...listOf(schema.anyOf)].flatMap(propertiesOf),
  ];
}

/**
 * What a request says, as far as every wire can: all words of each side in their order, each call with its result, and
 * the names of the tools. Ids are the wire's own affair, and so is where one turn ends and the next begins.
 */
function saidIn(request: ChatRequest): object {
  const calls: { name: unknown; arguments: unknown; result: string }[] = [];
  const byId = new Map<unknown, (typeof calls)[number]>();
  const said = { instructions: '', user: '', assistant: '' };
  for (const message of request.messages as unknown as JsonObject[]) {
    const words = wordsOf(message.content);
    switch (message.role) {
      case 'system':
      case 'developer':
        said.instructions += words;
        break;
      case 'user':
        said.user += words;
        break;
      case 'assistant':
        said.assistant += words;
        for (const value of listOf(message.tool_calls).filter(isJsonObject)) {
          const called = objectOf(value.function)!;
          const text = textOf(called.arguments) ?? '';
          const call = {
            name: called.name,
            arguments: JSON.parse(text.trim() === '' ? '{}' : text) as unknown,
            result: '',
          };
          calls.push(call);
          byId.set(value.id, call);
        }
        break;
      case 'tool':
        byId.get(message.tool_call_id)!.result += resultOf(message.content);
        break;
    }
  }
  // Instructions alone become a question.
  const hasQuestion = said.user !== '' || said.assistant !== '' || calls.length > 0;
  return {
    ...(hasQuestion ? said : { ...said, instructions: '', user: said.instructions }),
    calls,
    tools: (request.tools ?? []).map((tool) => tool.type === 'function' && tool.function.name),
  };
}

/** White space is the wire's own affair: blank texts are left out, final ones trimmed, instructions joined by lines. */
function wordsOf(content: unknown): string {
  if (typeof content === 'string') return content.replaceAll(/\s/g, '');
  return listOf(content)
    .filter(isJsonObject)
    .map((part) => (part.type === 'text' ? wordsOf(part.text) : ''))
    .join('');
}

/** Gemini wants an object: a JSON object goes as it is, everything else as `output`. */
function resultOf(content: unknown): string {
  const text =
    typeof content === 'string'
      ? content
      : listOf(content)
          .map((part) => textOf(objectOf(part)?.text) ?? '')
          .join('');
  const parsed = parse(text);
  const inner = isJsonObject(parsed) && Object.keys(parsed).join() === 'output' ? parsed.output : parsed;
  return (typeof inner === 'string' ? inner : JSON.stringify(inner)).replaceAll(/\s/g, '');
}

function parse(text: string): unknown {
  try {
    const parsed = JSON.parse(text) as unknown;
    return typeof parsed === 'object' && parsed !== null ? parsed : text;
  } catch {
    return text;
  }
}
