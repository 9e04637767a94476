import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { countOf, isRecord, listOf, recordOf, recordsOf, stringOf, type JsonRecord } from './json-value.js';
import { rateLimitHeaders } from './rate-limit-headers.js';
import type { UpstreamToolChoice } from './scripted-upstream.interface.js';
import { splitIntoTokens } from './token-estimate.js';
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

/**
 * The members of a Messages request: those of the SDK's types, the sampling ones that older models take, and what
 * recordings send under a beta.
 */
const KNOWN_FIELDS = new Set(
  `cache_control container context_management diagnostics inference_geo max_tokens mcp_servers messages metadata model
  output_config output_format service_tier speed stop_sequences stream system temperature thinking tool_choice tools
  top_k top_p user_profile_id workspace_id`.split(/\s+/),
);

const TOOL_NAME = /^[a-zA-Z0-9_-]{1,128}$/;
const TOOL_ID = /^[a-zA-Z0-9_-]+$/;

/**
 * Anthropic's Messages API, seen from the server, in the newest shape of an answer. A stream has named events and a
 * ping after the first block has begun; a tool's input comes as JSON fragments, the first of them empty, and a tool
 * without arguments sends nothing but that one. There is no `[DONE]`.
 */
export const anthropicWire: UpstreamWire = {
  api: 'anthropic',
  basePath: '',
  defaultModels: ['claude-opus-4-6', 'claude-sonnet-4-5', 'claude-haiku-4-5'],

  route(method, path, query): UpstreamRoute | undefined {
    if (method === 'GET' && path === '/v1/models') return { kind: 'models' };
    if (method === 'POST' && path === '/v1/messages') {
      return { kind: 'generate', serverSentEvents: true, beta: query.get('beta') === 'true' };
    }
    return undefined;
  },

  keyOf(headers: IncomingHttpHeaders): string | undefined {
    const key = headers['x-api-key'];
    return typeof key === 'string' ? key : undefined;
  },

  refuseKey(key): never {
    throw refusal(key === undefined ? 'x-api-key header is required' : 'invalid x-api-key', 401);
  },

  malformedBody(): UpstreamProblem {
    return { status: 400, message: 'The request body is not valid JSON' };
  },

  inspect(body, headers, route, allowUnknownFields): void {
    if (headers['anthropic-version'] === undefined) throw refusal('anthropic-version: header is required');
    if (typeof body.model !== 'string' || body.model === '') throw refusal('model: Field required');
    if (body.max_tokens === undefined) throw refusal('max_tokens: Field required');
    if (countOf(body.max_tokens) === undefined) {
      throw refusal('max_tokens: Value must be greater than or equal to 1');
    }
    if (!allowUnknownFields) {
      const unknown = Object.keys(body).find((name) => !KNOWN_FIELDS.has(name));
      if (unknown !== undefined) throw refusal(`${unknown}: Extra inputs are not permitted`);
    }
    inspectSampling(body);
    inspectSystem(body.system);
    // Recordings show system turns taken by the newest models, all of them under the beta.
    const takesSystem =
      headers['anthropic-beta'] !== undefined || (route.kind === 'generate' && route.beta === true);
    inspectMessages(body.messages, takesSystem);
    inspectTools(body);
    inspectThinking(body);
  },

  read(body): UpstreamReading {
    const tools = recordsOf(body.tools);
    const toolChoice = readToolChoice(body.tool_choice);
    const lastUser = recordsOf(body.messages).findLast(
      (message) => message.role === 'user' && textOf(message.content) !== '',
    );
    return {
      model: stringOf(body.model),
      streamed: body.stream === true,
      tools: tools.map((tool) => stringOf(tool.name)),
      toolChoice,
      lastUserText: textOf(lastUser?.content),
      maxOutputTokens: countOf(body.max_tokens),
      wish: readWish(body, toolChoice, tools),
      choices: 1,
      prompt: [body.system, body.messages, body.tools],
    };
  },

  inspectReading(_body, reading): void {
    const choice = reading.toolChoice;
    if (choice !== undefined && reading.tools.length === 0 && choice !== 'none') {
      throw refusal('tool_choice: may only be specified while providing tools');
    }
    if (typeof choice === 'object' && !reading.tools.includes(choice.name)) {
      throw refusal(`tool_choice: Tool '${choice.name}' not found in provided tools`);
    }
  },

  document(answer): UpstreamDocument {
    const text = { type: 'text', text: answer.text, citations: null };
    const thinking = thinkingOf(answer);
    const content = [
      ...(thinking === '' ? [] : [{ type: 'thinking', thinking, signature: signatureOf(thinking) }]),
      ...(answer.text === '' ? [] : [text]),
      ...answer.toolCalls.map(toolUseOf),
    ];
    return {
      status: 200,
      headers: { 'content-type': 'application/json', ...commonHeaders(answer) },
      body: {
        ...messageOf(answer, usageOf(answer, answer.usage.completionTokens)),
        content,
        ...endOf(answer),
      },
    };
  },

  streamHeaders(answer): Readonly<Record<string, string>> {
    return {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache',
      ...commonHeaders(answer),
    };
  },

  stream(answer): StreamPiece[] {
    const pieces: StreamPiece[] = [];
    // What frames a block belongs to the write before or after it, so that only content counts as content.
    let waiting = event('message_start', { message: messageOf(answer, usageOf(answer, 1)) });
    const flush = (part: StreamPiece['part']): void => {
      pieces.push({ data: waiting, part, characters: 0 });
      waiting = '';
    };
    const block = (
      index: number,
      start: JsonRecord,
      deltas: readonly JsonRecord[],
      sizes: readonly number[],
    ): void => {
      waiting += event('content_block_start', { index, content_block: start });
      if (pieces.length === 0) {
        waiting += event('ping', {});
        flush('opening');
      }
      for (const [position, delta] of deltas.entries()) {
        const data = waiting + event('content_block_delta', { index, delta });
        waiting = '';
        pieces.push({ data, part: 'content', characters: sizes[position] ?? 0 });
      }
      waiting += event('content_block_stop', { index });
    };
    let index = 0;
    const thinking = thinkingOf(answer);
    if (thinking !== '') {
      const thoughts = splitIntoTokens(thinking);
      block(
        index,
        { type: 'thinking', thinking: '', signature: '' },
        [
          ...thoughts.map((thought) => ({ type: 'thinking_delta', thinking: thought })),
          { type: 'signature_delta', signature: signatureOf(thinking) },
        ],
        thoughts.map((thought) => thought.length),
      );
      index += 1;
    }
    if (answer.text !== '') {
      const texts = splitIntoTokens(answer.text);
      const deltas = texts.map((text) => ({ type: 'text_delta', text }));
      block(
        index,
        { type: 'text', text: '', citations: null },
        deltas,
        texts.map((text) => text.length),
      );
      index += 1;
    }
    for (const call of answer.toolCalls) {
      const json = Object.keys(call.arguments).length === 0 ? '' : JSON.stringify(call.arguments);
      const fragments = ['', ...splitIntoTokens(json)];
      const deltas = fragments.map((partial_json) => ({ type: 'input_json_delta', partial_json }));
      block(
        index,
        { ...toolUseOf(call), input: {} },
        deltas,
        fragments.map((fragment) => Math.max(fragment.length, 1)),
      );
      index += 1;
    }
    if (pieces.length === 0) flush('opening');
    waiting += event('message_delta', {
      delta: { container: null, ...endOf(answer) },
      usage: {
        input_tokens: answer.usage.promptTokens - answer.usage.cachedTokens,
        cache_creation_input_tokens: 0,
        cache_read_input_tokens: answer.usage.cachedTokens,
        output_tokens: answer.usage.completionTokens,
        output_tokens_details: null,
        server_tool_use: null,
      },
    });
    waiting += event('message_stop', {});
    flush('closing');
    return pieces;
  },

  rateLimitHeaders(limit, nowMs): Readonly<Record<string, string>> {
    return rateLimitHeaders(
      limit,
      (of, part) => `anthropic-ratelimit-${of}-${part}`,
      (resetMs) => isoSeconds(Math.ceil((nowMs + resetMs) / 1000) * 1000),
    );
  },

  streamError(): string {
    return event('error', { error: { type: 'overloaded_error', message: 'Overloaded' }, request_id: null });
  },

  problem(problem, identifier): UpstreamDocument {
    const usual = USUAL_ERRORS.get(problem.status);
    const requestId = `req_${identifier}`;
    const headers: Record<string, string> = { 'content-type': 'application/json', 'request-id': requestId };
    if (problem.retryAfterSeconds !== undefined) headers['retry-after'] = String(problem.retryAfterSeconds);
    if (problem.status === 429) {
      headers['anthropic-ratelimit-requests-limit'] = '50';
      headers['anthropic-ratelimit-requests-remaining'] = '0';
      headers['anthropic-ratelimit-requests-reset'] = timeIn(problem.retryAfterSeconds ?? 1);
    }
    const type = usual?.type ?? (problem.status >= 500 ? 'api_error' : 'invalid_request_error');
    const message = problem.message ?? usual?.message ?? `Simulated error ${problem.status}`;
    return {
      status: problem.status,
      headers,
      body: { type: 'error', error: { type, message }, request_id: requestId },
    };
  },

  listModels(names): UpstreamDocument {
    const data = names.map((id) => ({
      type: 'model',
      id,
      display_name: id,
      created_at: '2026-01-01T00:00:00Z',
    }));
    return {
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: { data, has_more: false, first_id: names[0] ?? null, last_id: names.at(-1) ?? null },
    };
  },
};

const USUAL_ERRORS = new Map([
  [400, { type: 'invalid_request_error', message: 'Invalid request' }],
  [401, { type: 'authentication_error', message: 'invalid x-api-key' }],
  [402, { type: 'billing_error', message: 'Your credit balance is too low to access the API.' }],
  [
    403,
    {
      type: 'permission_error',
      message: 'Your API key does not have permission to use the specified resource.',
    },
  ],
  [404, { type: 'not_found_error', message: 'The requested resource could not be found.' }],
  [413, { type: 'request_too_large', message: 'Request exceeds the maximum size' }],
  [429, { type: 'rate_limit_error', message: 'This request would exceed your rate limit.' }],
  [500, { type: 'api_error', message: 'Internal server error' }],
  [504, { type: 'timeout_error', message: 'The request timed out while processing.' }],
  [529, { type: 'overloaded_error', message: 'Overloaded' }],
]);

function timeIn(seconds: number): string {
  return isoSeconds(Date.now() + seconds * 1000);
}

function isoSeconds(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}

function commonHeaders(answer: UpstreamAnswer): Record<string, string> {
  return {
    'request-id': `req_${answer.identifier}`,
    'anthropic-ratelimit-requests-limit': '4000',
    'anthropic-ratelimit-requests-remaining': '3999',
    'anthropic-ratelimit-requests-reset': timeIn(1),
    'anthropic-ratelimit-tokens-limit': '2400000',
    'anthropic-ratelimit-tokens-remaining': '2399000',
    'anthropic-ratelimit-tokens-reset': timeIn(1),
  };
}

function refusal(message: string, status = 400): UpstreamRefusal {
  return new UpstreamRefusal({ status, message });
}

function event(type: string, members: JsonRecord): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...members })}\n\n`;
}

/** The envelope of a message before anything has been said. */
function messageOf(answer: UpstreamAnswer, usage: JsonRecord): JsonRecord {
  return {
    id: `msg_01${answer.identifier}`,
    type: 'message',
    role: 'assistant',
    model: answer.model,
    content: [],
    container: null,
    diagnostics: null,
    stop_reason: null,
    stop_sequence: null,
    stop_details: null,
    usage,
  };
}

function usageOf(answer: UpstreamAnswer, outputTokens: number): JsonRecord {
  return {
    input_tokens: answer.usage.promptTokens - answer.usage.cachedTokens,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: answer.usage.cachedTokens,
    cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
    output_tokens: outputTokens,
    output_tokens_details: null,
    server_tool_use: null,
    service_tier: 'standard',
    inference_geo: 'not_available',
    speed: null,
  };
}

function endOf(answer: UpstreamAnswer): JsonRecord {
  const reasons = {
    stop: 'end_turn',
    length: 'max_tokens',
    content_filter: 'refusal',
    tool_calls: 'tool_use',
  };
  const refused = answer.finish === 'content_filter';
  return {
    stop_reason: reasons[answer.finish],
    stop_sequence: null,
    stop_details: refused ? { type: 'refusal', category: null, explanation: null } : null,
  };
}

function toolUseOf(call: UpstreamAnswer['toolCalls'][number]): JsonRecord {
  return {
    type: 'tool_use',
    id: `toolu_01${call.identifier}`,
    caller: { type: 'direct' },
    name: call.name,
    input: call.arguments,
  };
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  return recordsOf(content)
    .filter((block) => block.type === 'text')
    .map((block) => stringOf(block.text))
    .join('');
}

function readToolChoice(choice: unknown): UpstreamToolChoice | undefined {
  if (!isRecord(choice)) return undefined;
  switch (choice.type) {
    case 'auto':
    case 'none':
      return choice.type;
    case 'any':
      return 'required';
    default:
      return { name: stringOf(choice.name) };
  }
}

function readWish(
  body: JsonRecord,
  choice: UpstreamToolChoice | undefined,
  tools: readonly JsonRecord[],
): OutputWish {
  const forced =
    choice === 'required'
      ? tools[0]
      : tools.find((tool) => typeof choice === 'object' && tool.name === choice.name);
  if (forced !== undefined) return { kind: 'tool', name: stringOf(forced.name), schema: forced.input_schema };
  const format = recordOf(recordOf(body.output_config).format ?? body.output_format);
  return format.type === 'json_schema' ? { kind: 'json', schema: format.schema } : { kind: 'text' };
}

function inspectSampling(body: JsonRecord): void {
  for (const name of ['temperature', 'top_p']) {
    const value = body[name];
    if (value !== undefined && !(typeof value === 'number' && value >= 0 && value <= 1)) {
      throw refusal(`${name}: range: 0..1`);
    }
  }
  if (body.stop_sequences !== undefined && !Array.isArray(body.stop_sequences)) {
    throw refusal('stop_sequences: Input should be a valid array');
  }
  for (const sequence of listOf(body.stop_sequences)) {
    if (stringOf(sequence).trim() === '') {
      throw refusal('stop_sequences: each stop sequence must contain non-whitespace');
    }
  }
}

function inspectSystem(system: unknown): void {
  if (system === undefined || typeof system === 'string') return;
  if (!Array.isArray(system)) throw refusal('system: Input should be a valid array');
  for (const block of recordsOf(system)) {
    if (stringOf(block.text) === '') throw refusal('system: text content blocks must be non-empty');
  }
}

function inspectMessages(value: unknown, takesSystem: boolean): void {
  if (value === undefined) throw refusal('messages: Field required');
  if (!Array.isArray(value)) throw refusal('messages: Input should be a valid array');
  const messages = listOf(value).map(recordOf);
  if (messages.length === 0) throw refusal('messages: at least one message is required');
  let asked = new Set<string>();
  for (const [position, message] of messages.entries()) {
    const path = `messages.${position}`;
    if (message.role === 'system' && takesSystem && position > 0) continue;
    if (message.role === 'system') {
      throw refusal(
        'messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter, not "system" as an input message role.',
      );
    }
    if (message.role !== 'user' && message.role !== 'assistant') {
      throw refusal(`${path}.role: Input should be 'user' or 'assistant'`);
    }
    const isLast = position === messages.length - 1;
    const blocks = blocksOf(message, path, isLast);
    inspectResults(blocks, asked, message.role, path);
    asked = inspectUses(blocks, message.role, path);
    if (asked.size > 0 && isLast) throw unanswered(path, asked);
    if (isLast && message.role === 'assistant' && /\s$/.test(stringOf(blocks.at(-1)?.text))) {
      throw refusal('messages: final assistant content cannot end with trailing whitespace');
    }
  }
}

/** The content of a message as blocks, each of which has something in it. */
function blocksOf(message: JsonRecord, path: string, isLast: boolean): JsonRecord[] {
  const { content } = message;
  if (content === undefined || content === null) throw refusal(`${path}.content: Field required`);
  if (typeof content !== 'string' && !Array.isArray(content)) {
    throw refusal(`${path}.content: Input should be a valid array`);
  }
  const blocks = typeof content === 'string' ? [{ type: 'text', text: content }] : recordsOf(content);
  if ((content === '' || blocks.length === 0) && !(isLast && message.role === 'assistant')) {
    throw refusal(
      `${path}: all messages must have non-empty content except for the optional final assistant message`,
    );
  }
  if (content === '') return [];
  for (const [position, block] of blocks.entries()) {
    if (typeof block.type !== 'string') throw refusal(`${path}.content.${position}.type: Field required`);
    if (block.type !== 'text') continue;
    if (stringOf(block.text) === '') throw refusal('messages: text content blocks must be non-empty');
    if (stringOf(block.text).trim() === '') {
      throw refusal('messages: text content blocks must contain non-whitespace text');
    }
  }
  return blocks;
}

/** Every call of the message before must be answered here, before anything else is said. */
function inspectResults(blocks: readonly JsonRecord[], asked: Set<string>, role: string, path: string): void {
  const missing = new Set(asked);
  let saidOtherwise = false;
  for (const [position, block] of blocks.entries()) {
    if (block.type !== 'tool_result') {
      saidOtherwise = true;
      continue;
    }
    const id = stringOf(block.tool_use_id);
    if (role !== 'user') throw refusal(`${path}: \`tool_result\` blocks can only be in \`user\` messages`);
    if (!asked.has(id)) {
      throw refusal(
        `${path}.content.${position}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${id}. ` +
          'Each `tool_result` block must have a corresponding `tool_use` block in the previous message.',
      );
    }
    if (saidOtherwise) throw unanswered(path, missing);
    if (!missing.delete(id)) {
      throw refusal(`${path}.content: each tool_use must have a single result. Found multiple for id: ${id}`);
    }
  }
  if (missing.size > 0) throw unanswered(path, missing);
}

function unanswered(path: string, ids: ReadonlySet<string>): UpstreamRefusal {
  return refusal(
    `${path}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${[...ids].join(', ')}. ` +
      'Each `tool_use` block must have a corresponding `tool_result` block in the next message.',
  );
}

function inspectUses(blocks: readonly JsonRecord[], role: string, path: string): Set<string> {
  const asked = new Set<string>();
  for (const [position, block] of blocks.entries()) {
    if (block.type !== 'tool_use') continue;
    const place = `${path}.content.${position}`;
    const id = stringOf(block.id);
    if (role !== 'assistant') {
      throw refusal(`${path}: \`tool_use\` blocks can only be in \`assistant\` messages`);
    }
    if (!TOOL_ID.test(id)) {
      throw refusal(`${place}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'`);
    }
    if (!isRecord(block.input)) throw refusal(`${place}.tool_use.input: Input should be a valid dictionary`);
    if (!TOOL_NAME.test(stringOf(block.name))) {
      throw refusal(`${place}.tool_use.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'`);
    }
    if (asked.has(id)) throw refusal(`${place}: \`tool_use\` ids must be unique`);
    asked.add(id);
  }
  return asked;
}

function inspectTools(body: JsonRecord): void {
  if (body.tools !== undefined && !Array.isArray(body.tools)) {
    throw refusal('tools: Input should be a valid array');
  }
  const names = new Set<unknown>();
  for (const [position, tool] of listOf(body.tools).entries()) {
    const path = `tools.${position}`;
    if (!isRecord(tool)) throw refusal(`${path}: Input should be a valid dictionary`);
    // The provider's own tools have a dated type and no schema.
    if (tool.type !== undefined && tool.type !== 'custom') continue;
    if (!TOOL_NAME.test(stringOf(tool.name))) {
      throw refusal(`${path}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'`);
    }
    if (!isRecord(tool.input_schema)) throw refusal(`${path}.custom.input_schema: Field required`);
    if (tool.input_schema.type !== 'object') {
      throw refusal(`${path}.custom.input_schema.type: Input should be 'object'`);
    }
    if (names.has(tool.name)) throw refusal('tools: Tool names must be unique.');
    names.add(tool.name);
  }
  if (body.tool_choice === undefined) return;
  const choice = body.tool_choice;
  if (!isRecord(choice)) throw refusal('tool_choice: Input should be a valid dictionary');
  if (!['auto', 'any', 'tool', 'none'].includes(stringOf(choice.type))) {
    throw refusal(
      `tool_choice: Input tag '${stringOf(choice.type)}' does not match any of the expected tags: 'auto', 'any', 'tool', 'none'`,
    );
  }
  if (choice.type === 'tool' && typeof choice.name !== 'string') {
    throw refusal('tool_choice.tool.name: Field required');
  }
}

const SIMULATED = 'simulated.';

/** Stands for what the provider signs: it shows whether the text has come back as it was. */
function signatureOf(thinking: string): string {
  return SIMULATED + createHash('sha256').update(thinking).digest('base64');
}

function thinkingOf({ thinking, body }: UpstreamAnswer): string {
  return ['enabled', 'adaptive'].includes(stringOf(recordOf(body.thinking).type)) ? thinking : '';
}

function inspectThoughts(body: JsonRecord): void {
  const isThinking = ['enabled', 'adaptive'].includes(stringOf(recordOf(body.thinking).type));
  for (const [position, message] of recordsOf(body.messages).entries()) {
    for (const [place, block] of recordsOf(message.content).entries()) {
      if (block.type !== 'thinking' && block.type !== 'redacted_thinking') continue;
      // Recordings show newer models take it all the same.
      if (!isThinking && /-3-7|-4-[0-5](?!\d)/.test(stringOf(body.model))) {
        throw refusal(
          `messages.${position}.content.${place}: When thinking is disabled, an assistant message cannot contain thinking`,
        );
      }
      const signature = stringOf(block.signature);
      // The provider's own cannot be checked here.
      const isForged = signature.startsWith(SIMULATED) && signature !== signatureOf(stringOf(block.thinking));
      if (block.type === 'thinking' && (signature === '' || isForged)) {
        throw refusal(`messages.${position}.content.${place}: Invalid \`signature\` in \`thinking\` block`);
      }
    }
  }
}

function inspectThinking(body: JsonRecord): void {
  inspectThoughts(body);
  const thinking = recordOf(body.thinking);
  // Recordings show adaptive thinking taken together with a forced tool.
  if (thinking.type !== 'enabled') return;
  const choice = recordOf(body.tool_choice).type;
  if (choice === 'any' || choice === 'tool') {
    throw refusal('Thinking may not be enabled when tool_choice forces tool use.');
  }
  if (body.temperature !== undefined && body.temperature !== 1) {
    throw refusal('`temperature` may only be set to 1 when thinking is enabled.');
  }
  const budget = countOf(thinking.budget_tokens);
  if (budget === undefined || budget < 1024) {
    throw refusal('thinking.enabled.budget_tokens: Input should be greater than or equal to 1024');
  }
  if (budget >= Number(body.max_tokens)) {
    throw refusal('`max_tokens` must be greater than `thinking.budget_tokens`.');
  }
  const messages = recordsOf(body.messages);
  const position = messages.findLastIndex((message) => message.role === 'assistant');
  const blocks = recordsOf(messages[position]?.content);
  const first = stringOf(blocks[0]?.type);
  if (blocks.some((block) => block.type === 'tool_use') && !/^(?:redacted_)?thinking$/.test(first)) {
    throw refusal(
      `messages.${position}.content.0.type: Expected \`thinking\` or \`redacted_thinking\`, but found \`${first}\`.`,
    );
  }
}
