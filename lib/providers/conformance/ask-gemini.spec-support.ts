import type { ChatRequest } from '../../chat/chat-types.js';
import { isJsonObject, listOf, objectOf, textOf, type JsonObject } from '../json-reading.js';
import { defined, type RequestCase } from './request-case.spec-support.js';
import { declarationsOf, inCamelCase, turnsOf } from './said-gemini.spec-support.js';

/** The request an OpenAI client would have sent, where Gemini's wire got this. */
export function askedOfGemini(recorded: JsonObject, path: string): RequestCase {
  const body = inCamelCase(recorded) as JsonObject;
  const config = objectOf(body.generationConfig) ?? {};
  const declarations = declarationsOf(body.tools);
  const calling = objectOf(objectOf(body.toolConfig)?.functionCallingConfig);
  const system = listOf(objectOf(body.systemInstruction)?.parts).map((part) => ({
    type: 'text',
    text: objectOf(part)?.text,
  }));
  return {
    upstreamModel: /models\/([^:/]+)/.exec(path)?.[1] ?? 'gemini-2.5-flash',
    stream: path.includes('stream'),
    request: defined({
      model: 'auto',
      messages: [
        ...(system.length > 0 ? [{ role: 'system', content: system }] : []),
        ...new History().read(turnsOf(body.contents)),
      ],
      tools: declarations.length > 0 ? declarations.map(toolOf) : undefined,
      tool_choice: calling === undefined ? undefined : toolChoiceOf(calling, declarations),
      stop: config.stopSequences,
      temperature: config.temperature,
      top_p: config.topP,
      seed: config.seed,
      n: config.candidateCount,
      logprobs: config.responseLogprobs,
      top_logprobs: config.logprobs,
      max_completion_tokens: config.maxOutputTokens,
      response_format: formatOf(config),
    }) as ChatRequest,
  };
}

function toolOf({ name, description, parameters, parametersJsonSchema }: JsonObject): object {
  return {
    type: 'function',
    function: defined({ name, description, parameters: parametersJsonSchema ?? fromDialect(parameters) }),
  };
}

function toolChoiceOf(calling: JsonObject, declarations: readonly JsonObject[]): unknown {
  const names = listOf(calling.allowedFunctionNames);
  switch (calling.mode) {
    case 'AUTO':
      return 'auto';
    case 'NONE':
      return 'none';
    case 'ANY':
      if (names.length === 0 || names.length === declarations.length) return 'required';
      return names.length === 1
        ? { type: 'function', function: { name: names[0] } }
        : {
            type: 'allowed_tools',
            allowed_tools: {
              mode: 'required',
              tools: names.map((name) => ({ type: 'function', function: { name } })),
            },
          };
    default:
      return undefined;
  }
}

function formatOf(config: JsonObject): unknown {
  const schema = config.responseJsonSchema ?? fromDialect(config.responseSchema);
  if (schema !== undefined) {
    return { type: 'json_schema', json_schema: { name: 'answer', schema } };
  }
  return config.responseMimeType === 'application/json' ? { type: 'json_object' } : undefined;
}

/** Calls get ids, which Gemini's older models do not have, and results those of the calls they answer. */
class History {
  #count = 0;
  readonly #open: { readonly id: string; readonly name: unknown; readonly upstreamId: unknown }[] = [];

  read(turns: readonly JsonObject[]): object[] {
    return turns.flatMap(({ role, parts }) => {
      const all = listOf(parts).map((part) => objectOf(part)!);
      return role === 'model' ? this.#readAnswer(all) : this.#readQuestion(all);
    });
  }

  #readAnswer(parts: readonly JsonObject[]): object[] {
    const calls = parts.map((part) => objectOf(part.functionCall)).filter(isJsonObject);
    const texts = partsOf(parts);
    if (calls.length === 0 && texts.length === 0) return [];
    const message = {
      role: 'assistant',
      content: texts.length > 0 ? texts : null,
      ...(calls.length > 0
        ? {
            tool_calls: calls.map((call) => {
              this.#count += 1;
              const id = textOf(call.id) ?? `call_${this.#count}`;
              this.#open.push({ id, name: call.name, upstreamId: call.id });
              const text = JSON.stringify(call.args ?? {});
              return { id, type: 'function', function: { name: call.name, arguments: text } };
            }),
          }
        : {}),
    };
    return [message];
  }

  #readQuestion(parts: readonly JsonObject[]): object[] {
    const texts = partsOf(parts);
    return [
      ...parts
        .map((part) => objectOf(part.functionResponse))
        .filter(isJsonObject)
        .map((response) => ({
          role: 'tool',
          tool_call_id: this.#idOf(response),
          content: JSON.stringify(response.response),
        })),
      ...(texts.length > 0 ? [{ role: 'user', content: texts }] : []),
    ];
  }

  #idOf(response: JsonObject): string {
    const position = this.#open.findIndex(({ name, upstreamId }) =>
      response.id === undefined || upstreamId === undefined
        ? name === response.name
        : upstreamId === response.id,
    );
    return this.#open.splice(position, 1)[0]?.id ?? 'unknown';
  }
}

function partsOf(parts: readonly JsonObject[]): object[] {
  return parts.flatMap((part): object[] => {
    const inline = objectOf(part.inlineData);
    if (part.thought === true) return [];
    if (typeof part.text === 'string') return [{ type: 'text', text: part.text }];
    if (inline !== undefined) {
      const address = `data:${String(inline.mimeType)};base64,${String(inline.data)}`;
      return textOf(inline.mimeType)?.startsWith('image/')
        ? [{ type: 'image_url', image_url: { url: address } }]
        : [{ type: 'file', file: { file_data: address } }];
    }
    return [];
  });
}

/** Google's own dialect of schemas in JSON Schema's words. */
function fromDialect(value: unknown): unknown {
  return value === undefined
    ? undefined
    : JSON.parse(JSON.stringify(value), (name, field: unknown) => {
        if (name === 'type' && typeof field === 'string') return field.toLowerCase();
        if (!isJsonObject(field) || (field.type ?? field.any_of) === undefined) return field;
        const { property_ordering: _ordering, propertyOrdering: _order, any_of: anyOf, ...rest } = field;
        return anyOf === undefined ? rest : { ...rest, anyOf };
      });
}
