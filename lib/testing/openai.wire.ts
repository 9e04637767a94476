import type { IncomingHttpHeaders } from 'node:http';
import { countOf, isRecord, listOf, recordOf, recordsOf, stringOf, type JsonRecord } from './json-value.js';
import { rateLimitHeaders, writeDuration } from './rate-limit-headers.js';
import type { UpstreamToolChoice } from './scripted-upstream.interface.js';
import { simulatedVector } from './simulated-vector.js';
import { countCharacters, estimateTokens, splitIntoTokens } from './token-estimate.js';
import {
  UpstreamRefusal,
  type OutputWish,
  type StreamPiece,
  type UpstreamAnswer,
  type UpstreamDocument,
  type UpstreamProblem,
  type UpstreamReading,
  type UpstreamRoute,
  type UpstreamWire,
} from './upstream-wire.interface.js';

/** The members of a chat completion request in OpenAI's published schema (openapi.json 2.3.0). */
const KNOWN_FIELDS = new Set(
  `audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens max_tokens messages metadata
  modalities model moderation n parallel_tool_calls prediction presence_penalty prompt_cache_key prompt_cache_options
  prompt_cache_retention reasoning_effort response_format safety_identifier seed service_tier stop store stream
  stream_options temperature tool_choice tools top_logprobs top_p user verbosity web_search_options`.split(
    /\s+/,
  ),
);

const ROLES = ['system', 'assistant', 'user', 'function', 'tool', 'developer'];
const FUNCTION_NAME = /^[a-zA-Z0-9_-]{1,64}$/;
/** A text, a list of texts, a list of tokens, or a list of such lists. */
function embeddingInputs(input: unknown): readonly unknown[] {
  if (typeof input === 'string') return input === '' ? [] : [input];
  const entries = listOf(input);
  return typeof entries[0] === 'number' ? [entries] : entries;
}

function base64Of(vector: readonly number[]): string {
  return Buffer.from(Float32Array.from(vector).buffer).toString('base64');
}

/** Models that take `max_completion_tokens` alone. */
const REASONING_MODEL = /^(?:o\d|gpt-5(?!.*chat))/;
const FINGERPRINT = 'fp_5imulated0';

/**
 * OpenAI's chat completions, seen from the server. Shapes follow the recorded traffic: `usage: null` on every chunk
 * and a last chunk without choices only when `stream_options.include_usage` asks for them, `refusal` and `logprobs`
 * always there, and a tool call's id and name only in its first delta.
 */
export const openAiWire: UpstreamWire = {
  api: 'openai',
  basePath: '/v1',
  defaultModels: ['gpt-4-turbo', 'gpt-4o', 'gpt-4o-mini', 'gpt-3.5-turbo'],

  route(method, path): UpstreamRoute | undefined {
    if (method === 'GET' && path === '/v1/models') return { kind: 'models' };
    if (method === 'POST' && path === '/v1/chat/completions')
      return { kind: 'generate', serverSentEvents: true };
    if (method === 'POST' && path === '/v1/embeddings') return { kind: 'embed' };
    return undefined;
  },

  keyOf(headers: IncomingHttpHeaders): string | undefined {
    return /^Bearer\s+(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  },

  refuseKey(key): never {
    throw key === undefined
      ? refusal(
          401,
          "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth.",
        )
      : refusal(401, 'Incorrect API key provided: ***.', undefined, 'invalid_api_key');
  },

  malformedBody(): UpstreamProblem {
    return { status: 400, message: 'We could not parse the JSON body of your request.' };
  },

  inspect(body, _headers, _route, allowUnknownFields): void {
    if (typeof body.model !== 'string' || body.model === '') {
      throw refusal(400, 'you must provide a model parameter');
    }
    if (!allowUnknownFields) {
      const unknown = Object.keys(body).find((name) => !KNOWN_FIELDS.has(name));
      if (unknown !== undefined) {
        throw refusal(400, `Unknown parameter: '${unknown}'.`, unknown, 'unknown_parameter');
      }
    }
    inspectLimits(body);
    inspectMessages(body.messages);
    inspectTools(body);
  },

  read(body): UpstreamReading {
    const messages = recordsOf(body.messages);
    const functions = recordsOf(body.tools).map(functionOf);
    const toolChoice = readToolChoice(body.tool_choice);
    return {
      model: stringOf(body.model),
      streamed: body.stream === true,
      tools: functions.map((tool) => stringOf(tool.name)),
      toolChoice,
      lastUserText: textOf(messages.findLast((message) => message.role === 'user')?.content),
      maxOutputTokens: countOf(body.max_completion_tokens) ?? countOf(body.max_tokens),
      wish: readWish(body, toolChoice, functions),
      choices: countOf(body.n) ?? 1,
      prompt: [body.messages, body.tools],
    };
  },

  document(answer): UpstreamDocument {
    const message: JsonRecord = {
      role: 'assistant',
      content: answer.text === '' && answer.toolCalls.length > 0 ? null : answer.text,
      refusal: null,
      annotations: [],
    };
    if (answer.toolCalls.length > 0) {
      message.tool_calls = answer.toolCalls.map((call) => ({
        id: `call_${call.identifier}`,
        type: 'function',
        function: { name: call.name, arguments: JSON.stringify(call.arguments) },
      }));
    }
    const choices = indexes(answer.choices).map((index) => ({
      index,
      message,
      logprobs: null,
      finish_reason: answer.finish,
    }));
    return {
      status: 200,
      headers: {
        'content-type': 'application/json',
        ...commonHeaders(answer.identifier),
        ...USUAL_RATE_LIMIT,
      },
      body: { ...envelope(answer, 'chat.completion'), choices, usage: usageOf(answer) },
    };
  },

  embed(body): UpstreamDocument {
    if (typeof body.model !== 'string' || body.model === '') {
      throw refusal(400, 'you must provide a model parameter');
    }
    const inputs = embeddingInputs(body.input);
    if (inputs.length === 0) throw refusal(400, "'$.input' is invalid.", 'input');
    const dimensions = countOf(body.dimensions);
    const tokens = estimateTokens(countCharacters(body.input));
    return {
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: {
        object: 'list',
        data: inputs.map((input, index) => {
          const vector = simulatedVector(input, dimensions);
          return {
            object: 'embedding',
            index,
            embedding: body.encoding_format === 'base64' ? base64Of(vector) : vector,
          };
        }),
        model: body.model,
        usage: { prompt_tokens: tokens, total_tokens: tokens },
      },
    };
  },

  streamHeaders(answer): Readonly<Record<string, string>> {
    return {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache',
      ...commonHeaders(answer.identifier),
      ...USUAL_RATE_LIMIT,
    };
  },

  stream(answer): StreamPiece[] {
    const usageAsked = recordOf(answer.body.stream_options).include_usage === true;
    const common = { ...envelope(answer, 'chat.completion.chunk'), ...(usageAsked ? { usage: null } : {}) };
    const pieces: StreamPiece[] = [];
    const push = (part: StreamPiece['part'], delta: JsonRecord, index: number, characters = 0): void => {
      const finish = part === 'closing' ? answer.finish : null;
      const choices = [{ index, delta, logprobs: null, finish_reason: finish }];
      pieces.push({ data: event({ ...common, choices }), part, characters });
    };
    const texts = splitIntoTokens(answer.text);
    for (const index of indexes(answer.choices)) {
      const content = texts.length === 0 && answer.toolCalls.length > 0 ? null : '';
      push('opening', { role: 'assistant', content, refusal: null }, index);
    }
    for (const index of indexes(answer.choices)) {
      for (const text of texts) push('content', { content: text }, index, text.length);
      for (const [position, call] of answer.toolCalls.entries()) {
        const start = {
          index: position,
          id: `call_${call.identifier}`,
          type: 'function',
          function: { name: call.name, arguments: '' },
        };
        push('content', { tool_calls: [start] }, index, call.name.length);
        for (const fragment of splitIntoTokens(JSON.stringify(call.arguments))) {
          const next = { index: position, function: { arguments: fragment } };
          push('content', { tool_calls: [next] }, index, fragment.length);
        }
      }
    }
    for (const index of indexes(answer.choices)) push('closing', {}, index);
    const usage = usageAsked ? event({ ...common, choices: [], usage: usageOf(answer) }) : '';
    pieces.push({ data: `${usage}data: [DONE]\n\n`, part: 'closing', characters: 0 });
    return pieces;
  },

  rateLimitHeaders(limit): Readonly<Record<string, string>> {
    return rateLimitHeaders(limit, (of, part) => `x-ratelimit-${part}-${of}`, writeDuration);
  },

  streamError(): string {
    return event({
      error: {
        message: 'The server had an error while processing your request. Sorry about that!',
        type: 'server_error',
        param: null,
        code: null,
      },
    });
  },

  problem(problem, identifier): UpstreamDocument {
    const usual = USUAL_ERRORS.get(problem.status);
    const fallback = problem.status >= 500 ? 'server_error' : 'invalid_request_error';
    const headers: Record<string, string> = {
      'content-type': 'application/json',
      ...commonHeaders(identifier),
    };
    if (problem.retryAfterSeconds !== undefined) headers['retry-after'] = String(problem.retryAfterSeconds);
    if (problem.status === 429) {
      headers['x-ratelimit-limit-requests'] = '500';
      headers['x-ratelimit-remaining-requests'] = '0';
      headers['x-ratelimit-reset-requests'] = `${problem.retryAfterSeconds ?? 1}s`;
    }
    return {
      status: problem.status,
      headers,
      body: {
        error: {
          message: problem.message ?? usual?.message ?? `Simulated error ${problem.status}.`,
          type: usual?.type ?? fallback,
          param: problem.parameter ?? null,
          code: problem.code ?? (problem.message === undefined ? (usual?.code ?? null) : null),
        },
      },
    };
  },

  listModels(names): UpstreamDocument {
    const data = names.map((id) => ({ id, object: 'model', created: 1_700_000_000, owned_by: 'simulated' }));
    return {
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: { object: 'list', data },
    };
  },

  inspectReading(body, reading): void {
    const choice = reading.toolChoice;
    if (typeof choice === 'object' && !reading.tools.includes(choice.name)) {
      throw refusal(400, `Tool choice '${choice.name}' not found in 'tools' parameter.`, 'tool_choice');
    }
    if (REASONING_MODEL.test(reading.model) && body.max_tokens !== undefined && body.max_tokens !== null) {
      throw refusal(
        400,
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        'max_tokens',
        'unsupported_parameter',
      );
    }
  },
};

const USUAL_ERRORS = new Map<number, { message: string; type: string; code: string | null }>([
  [400, { message: 'Invalid request.', type: 'invalid_request_error', code: null }],
  [
    401,
    { message: 'Incorrect API key provided: ***.', type: 'invalid_request_error', code: 'invalid_api_key' },
  ],
  [
    403,
    {
      message: 'Country, region, or territory not supported',
      type: 'request_forbidden',
      code: 'unsupported_country_region_territory',
    },
  ],
  [
    404,
    {
      message: 'The model does not exist or you do not have access to it.',
      type: 'invalid_request_error',
      code: 'model_not_found',
    },
  ],
  [
    429,
    {
      message: 'Rate limit reached for requests. Please try again later.',
      type: 'requests',
      code: 'rate_limit_exceeded',
    },
  ],
  [
    500,
    {
      message: 'The server had an error while processing your request. Sorry about that!',
      type: 'server_error',
      code: null,
    },
  ],
  [
    503,
    {
      message: 'The engine is currently overloaded, please try again later',
      type: 'server_error',
      code: null,
    },
  ],
]);

const USUAL_RATE_LIMIT = {
  'x-ratelimit-limit-requests': '10000',
  'x-ratelimit-remaining-requests': '9999',
  'x-ratelimit-reset-requests': '6ms',
  'x-ratelimit-limit-tokens': '2000000',
  'x-ratelimit-remaining-tokens': '1999000',
  'x-ratelimit-reset-tokens': '30ms',
};

function commonHeaders(identifier: string): Record<string, string> {
  return {
    'openai-version': '2020-10-01',
    'openai-processing-ms': '1',
    'x-request-id': `req_${identifier.toLowerCase()}`,
  };
}

function refusal(status: number, message: string, parameter?: string, code?: string): UpstreamRefusal {
  return new UpstreamRefusal({ status, message, parameter, code });
}

function event(value: unknown): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}

function indexes(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

function envelope(answer: UpstreamAnswer, object: string): JsonRecord {
  return {
    id: `chatcmpl-${answer.identifier}`,
    object,
    created: answer.createdSeconds,
    model: answer.model,
    service_tier: 'default',
    system_fingerprint: FINGERPRINT,
  };
}

function usageOf(answer: UpstreamAnswer): JsonRecord {
  const { promptTokens, completionTokens, cachedTokens } = answer.usage;
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: cachedTokens, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: 0,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  return recordsOf(content)
    .map((part) => stringOf(part.text))
    .join('');
}

/** The function of a tool; custom tools have their name elsewhere. */
function functionOf(tool: JsonRecord): JsonRecord {
  return recordOf(tool.type === 'custom' ? tool.custom : tool.function);
}

function readToolChoice(choice: unknown): UpstreamToolChoice | undefined {
  if (choice === 'auto' || choice === 'none' || choice === 'required') return choice;
  if (!isRecord(choice)) return undefined;
  if (choice.type === 'allowed_tools') {
    return recordOf(choice.allowed_tools).mode === 'required' ? 'required' : 'auto';
  }
  return { name: stringOf(functionOf(choice).name) };
}

function readWish(
  body: JsonRecord,
  choice: UpstreamToolChoice | undefined,
  functions: readonly JsonRecord[],
): OutputWish {
  const allowed = recordsOf(recordOf(recordOf(body.tool_choice).allowed_tools).tools).map((tool) =>
    stringOf(functionOf(tool).name),
  );
  const forced =
    choice === 'required'
      ? functions.find((tool) => allowed.length === 0 || allowed.includes(stringOf(tool.name)))
      : functions.find((tool) => typeof choice === 'object' && tool.name === choice.name);
  if (forced !== undefined) return { kind: 'tool', name: stringOf(forced.name), schema: forced.parameters };
  const format = recordOf(body.response_format);
  if (format.type === 'json_schema') return { kind: 'json', schema: recordOf(format.json_schema).schema };
  if (format.type === 'json_object') return { kind: 'json', schema: SOME_JSON };
  return { kind: 'text' };
}

const SOME_JSON = { type: 'object', required: ['simulated'], properties: { simulated: { const: true } } };

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function inspectLimits(body: JsonRecord): void {
  if (isGiven(body.max_tokens) && isGiven(body.max_completion_tokens)) {
    throw refusal(
      400,
      "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
      undefined,
      'invalid_parameter_combination',
    );
  }
  for (const name of ['max_tokens', 'max_completion_tokens', 'n']) {
    if (isGiven(body[name]) && countOf(body[name]) === undefined) {
      throw refusal(
        400,
        `Invalid '${name}': expected an integer of 1 or more.`,
        name,
        'integer_below_min_value',
      );
    }
  }
  if (typeof body.n === 'number' && body.n > 128) {
    throw refusal(
      400,
      "Invalid 'n': integer above maximum value. Expected a value <= 128.",
      'n',
      'integer_above_max_value',
    );
  }
  for (const [name, highest] of [
    ['temperature', 2],
    ['top_p', 1],
  ] as const) {
    const value = body[name];
    if (isGiven(value) && !(typeof value === 'number' && value >= 0 && value <= highest)) {
      throw refusal(400, `Invalid '${name}': expected a number from 0 to ${highest}.`, name, 'invalid_value');
    }
  }
  if (isGiven(body.stream_options) && body.stream !== true) {
    throw refusal(
      400,
      "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
      'stream_options',
    );
  }
}

function inspectTools(body: JsonRecord): void {
  if (!isGiven(body.tools)) {
    for (const name of ['tool_choice', 'parallel_tool_calls']) {
      if (isGiven(body[name]) && body[name] !== 'none') {
        throw refusal(400, `'${name}' is only allowed when 'tools' are specified.`, name);
      }
    }
    return;
  }
  const tools = listOf(body.tools);
  if (tools.length === 0) {
    throw refusal(
      400,
      "Invalid 'tools': empty array. Expected an array with minimum length 1.",
      'tools',
      'empty_array',
    );
  }
  for (const [position, tool] of tools.entries()) {
    const path = `tools[${position}]`;
    if (!isRecord(tool) || (tool.type !== 'function' && tool.type !== 'custom')) {
      throw refusal(
        400,
        `Invalid value: '${path}.type'. Supported values are: 'function' and 'custom'.`,
        `${path}.type`,
      );
    }
    const name = functionOf(tool).name;
    if (name === undefined) {
      throw refusal(
        400,
        `Missing required parameter: '${path}.function.name'.`,
        `${path}.function.name`,
        'missing_required_parameter',
      );
    }
    if (!FUNCTION_NAME.test(stringOf(name))) {
      throw refusal(
        400,
        `Invalid '${path}.function.name': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.`,
        `${path}.function.name`,
        'invalid_value',
      );
    }
  }
}

function inspectMessages(value: unknown): void {
  if (!Array.isArray(value)) {
    throw refusal(400, "Missing required parameter: 'messages'.", 'messages', 'missing_required_parameter');
  }
  if (value.length === 0) {
    throw refusal(
      400,
      "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
      'messages',
      'empty_array',
    );
  }
  let unanswered = new Set<string>();
  for (const [position, message] of listOf(value).entries()) {
    const path = `messages[${position}]`;
    const role = recordOf(message).role;
    if (!isRecord(message) || !ROLES.includes(stringOf(role))) {
      throw refusal(
        400,
        `Invalid value: '${stringOf(role)}'. Supported values are: ${ROLES.join(', ')}.`,
        `${path}.role`,
        'invalid_value',
      );
    }
    if (role === 'tool') {
      if (!unanswered.delete(stringOf(message.tool_call_id))) {
        throw refusal(
          400,
          "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
          `${path}.role`,
        );
      }
    } else {
      requireAllAnswered(unanswered);
      unanswered = new Set(recordsOf(message.tool_calls).map((call) => stringOf(call.id)));
    }
    inspectContent(message, path);
  }
  requireAllAnswered(unanswered);
}

function requireAllAnswered(unanswered: ReadonlySet<string>): void {
  if (unanswered.size === 0) return;
  throw refusal(
    400,
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. " +
      `The following tool_call_ids did not have response messages: ${[...unanswered].join(', ')}`,
    'messages',
  );
}

function inspectContent(message: JsonRecord, path: string): void {
  const { content } = message;
  const mayBeEmpty =
    message.role === 'assistant' &&
    ['tool_calls', 'function_call', 'refusal', 'audio'].some((name) => isGiven(message[name]));
  if (!isGiven(content)) {
    if (mayBeEmpty || message.role === 'function') return;
    throw refusal(400, `Invalid value for 'content': expected a string, got null.`, `${path}.content`);
  }
  if (typeof content !== 'string' && !Array.isArray(content)) {
    throw refusal(
      400,
      `Invalid type for '${path}.content': expected one of a string or array of objects.`,
      `${path}.content`,
      'invalid_type',
    );
  }
  for (const call of recordsOf(message.tool_calls)) {
    if (call.type === 'function' && typeof functionOf(call).arguments !== 'string') {
      throw refusal(
        400,
        `Invalid type for '${path}.tool_calls[0].function.arguments': expected a string.`,
        `${path}.tool_calls[0].function.arguments`,
        'invalid_type',
      );
    }
  }
}
