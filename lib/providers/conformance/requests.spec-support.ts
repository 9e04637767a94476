import { describe, expect, it } from 'vitest';
import { validateChatRequest } from '../../chat/validate-chat-request.js';
import { InvalidRequestError } from '../../errors/invalid-request-error.js';
import { adapterFor } from '../adapter-registry.js';
import { isJsonObject, listOf, objectOf, textOf, type JsonObject } from '../json-reading.js';
import { askedOfAnthropic } from './ask-anthropic.spec-support.js';
import { askedOfGemini } from './ask-gemini.spec-support.js';
import { complaintsOfRequest } from './provider-schemas.spec-support.js';
import { type Recording, scopeOf } from './recordings.spec-support.js';
import type { ConformanceReport } from './report.spec-support.js';
import type { RequestCase } from './request-case.spec-support.js';
import { saidInAnthropic } from './said-anthropic.spec-support.js';
import { saidInGemini } from './said-gemini.spec-support.js';
import { PLAIN_CALL } from './translate.spec-support.js';

const WIRES: ReadonlySet<string> = new Set(['openai', 'azure-openai', 'anthropic', 'gemini']);

/** The router's own word, wherever the client stands. */
const ROUTED = ['model', 'stream', 'stream_options', 'max_tokens', 'max_completion_tokens'];

/** Mistral's own client leaves out the type of tools, and says `any`: OpenAI's clients do not. */
function inOpenAiShape(body: JsonObject): JsonObject {
  return {
    ...body,
    ...(body.tools
      ? { tools: listOf(body.tools).map((tool) => ({ type: 'function', ...objectOf(tool) })) }
      : {}),
    ...(body.tool_choice === 'any' ? { tool_choice: 'required' } : {}),
  };
}

const partTypesOf = (body: JsonObject): unknown[] =>
  listOf(body.messages).flatMap((message) =>
    listOf(objectOf(message)?.content).map((part) => objectOf(part)?.type),
  );

/** What only one maker's endpoint knows, so that the router refuses it with a 400. */
const REFUSED: readonly { readonly name: string; readonly isIn: (body: JsonObject) => boolean }[] = [
  {
    name: 'openrouter tools of its own (refused: 400)',
    isIn: (body) =>
      listOf(body.tools).some((tool) => textOf(objectOf(tool)?.type)?.startsWith('openrouter:')),
  },
  { name: 'mistral thinking parts (refused: 400)', isIn: (body) => partTypesOf(body).includes('thinking') },
  {
    name: 'mistral document_url parts (refused: 400)',
    isIn: (body) => partTypesOf(body).includes('document_url'),
  },
];

/** Every recorded request, asked by an OpenAI client, says the same on the provider's wire. */
export function describeRequests(report: ConformanceReport): void {
  const withBody = report.inScope.filter(({ request }) => isJsonObject(request?.body));
  const ofWire = (wire: string): Recording[] =>
    withBody.filter((recording) => scopeOf(recording)!.wire === wire);

  describe('requests', () => {
    it.each(ofWire('anthropic'))('$id', (recording) => {
      const recorded = recording.request!.body as JsonObject;
      const built = build(recording, askedOfAnthropic(recorded)) as JsonObject;
      expect(complaintsOfRequest('anthropic', built)).toEqual([]);
      expect(saidInAnthropic(built, refuse)).toEqual(
        saidInAnthropic(recorded, (piece) => {
          report.leaveOut(recording, piece);
        }),
      );
      expect(built.model).toBe(recorded.model);
      report.pass(recording, 'requests');
    });

    it.each(ofWire('gemini'))('$id', (recording) => {
      const recorded = recording.request!.body as JsonObject;
      const built = build(recording, askedOfGemini(recorded, recording.request!.path ?? '')) as JsonObject;
      expect(complaintsOfRequest('gemini', built)).toEqual([]);
      expect(saidInGemini(built, refuse)).toEqual(
        saidInGemini(recorded, (piece) => {
          report.leaveOut(recording, piece);
        }),
      );
      report.pass(recording, 'requests');
    });

    it.each(ofWire('openai'))('$id', (recording) => {
      const asked = inOpenAiShape(recording.request!.body as JsonObject);
      const refusal = REFUSED.find(({ isIn }) => isIn(asked));
      if (refusal !== undefined) {
        // Better a clear refusal than a request that loses something on another provider's wire.
        expect(() => validateChatRequest(asked)).toThrow(InvalidRequestError);
        report.leaveOut(recording, refusal.name);
        return;
      }
      const built = build(recording, {
        request: asked as never,
        upstreamModel: String(asked.model),
        stream: asked.stream === true,
      }) as JsonObject;
      const rest = (body: JsonObject): object =>
        Object.fromEntries(
          Object.entries(body).filter(
            // One answer is what comes without a word.
            ([name, value]) => !ROUTED.includes(name) && !(name === 'n' && value === 1),
          ),
        );
      expect(rest(built)).toEqual(rest(asked));
      expect(built.max_completion_tokens ?? built.max_tokens).toBe(
        asked.max_completion_tokens ?? asked.max_tokens ?? undefined,
      );
      expect(built.stream).toBe(asked.stream === true);
      report.pass(recording, 'requests');
    });
  });
}

function build(recording: Recording, { request, upstreamModel, stream }: RequestCase): unknown {
  const { api } = scopeOf(recording)!;
  // The wire itself: what a preset changes on purpose is in the tests of presets.
  const { body } = adapterFor(WIRES.has(api) ? api : 'openai-compatible').buildRequest({
    ...PLAIN_CALL,
    request: validateChatRequest(request),
    upstreamModel,
    stream,
  });
  return JSON.parse(JSON.stringify(body)) as unknown;
}

/** Ours says nothing that OpenAI's shape has no word for. */
function refuse(piece: string): void {
  // Gemini 3 wants one on every replayed call.
  if (!piece.startsWith('gemini thoughtSignature')) throw new Error(`Nobody asked for ${piece}`);
}
