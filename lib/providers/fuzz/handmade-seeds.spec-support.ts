import type { WireEvent } from '../provider-adapter.js';
import type { Seeds, Wire, WireSeeds } from './seeds.spec-support.js';

const data = (value: unknown): WireEvent => ({ data: JSON.stringify(value) });
const named = (value: { readonly type: string }): WireEvent => ({ event: value.type, ...data(value) });
const frame = (event: string, value: unknown): WireEvent => ({ event, ...data(value) });

const chunk = (delta: unknown, finishReason: string | null = null, index = 0): WireEvent =>
  data({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1_700_000_000,
    model: 'm-1',
    choices: [{ index, delta, logprobs: null, finish_reason: finishReason }],
  });
const usage = { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 };
const done: WireEvent = { data: '[DONE]' };

const openai: WireSeeds = {
  streams: [
    [chunk({ role: 'assistant', content: '' }), chunk({ content: 'Hello' }), chunk({}, 'stop'), data({ choices: [], usage }), done],
    [
      chunk({ role: 'assistant', tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'f', arguments: '' } }] }),
      chunk({ tool_calls: [{ index: 0, function: { arguments: '{"a"' } }] }),
      chunk({ tool_calls: [{ index: 0, function: { arguments: ':1}' } }] }),
      chunk({}, 'tool_calls'),
      done,
    ],
    [
      chunk({ content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'Hm' }] }] }),
      chunk({ reasoning_content: 'Hm', content: null }),
      chunk({ content: 'one' }, null, 1),
      chunk({}, 'length'),
      chunk({}, 'stop', 1),
    ],
    [chunk({ content: 'x' }), data({ error: { message: 'Overloaded', type: 'overloaded_error', code: 503 } })],
    [chunk({ tool_calls: [{ index: 0, id: 'c', type: 'custom', custom: { name: 'g', input: 'x' } }] }), chunk({}, 'stop'), done],
  ],
  answers: [
    {
      id: 'chatcmpl-1',
      created: 1,
      model: 'm-1',
      choices: [
        {
          index: 0,
          message: {
            role: 'assistant',
            content: null,
            tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }],
          },
          finish_reason: 'tool_calls',
          logprobs: { content: [{ token: 'a', logprob: -1, bytes: [97], top_logprobs: [] }], refusal: null },
        },
      ],
      usage: { ...usage, prompt_tokens_details: { cached_tokens: 2 }, completion_tokens_details: { reasoning_tokens: 1 } },
    },
  ].map((answer) => JSON.stringify(answer)),
  failures: [
    { error: { message: 'Too many', type: 'rate_limit_error', code: 'rate_limit_exceeded', param: 'messages[0].content' } },
    { error: { code: 400, message: 'No', details: [{ retryDelay: '3.5s' }] } },
    { detail: 'Not found' },
    { error: { code: 'content_filter', innererror: { code: 'ResponsibleAIPolicyViolation' } } },
  ].map((failure) => JSON.stringify(failure)),
  embeddings: [
    { data: [{ index: 0, embedding: [0.1, 0.2] }], model: 'e', usage: { prompt_tokens: 1, total_tokens: 1 } },
    { data: [{ index: 0, embedding: 'AAAAAA==' }], model: 'e' },
  ].map((answer) => JSON.stringify(answer)),
};

const blockStart = (index: number, block: object): WireEvent =>
  named({ type: 'content_block_start', ...{ index, content_block: block } });
const blockDelta = (index: number, delta: object): WireEvent => named({ type: 'content_block_delta', ...{ index, delta } });
const blockStop = (index: number): WireEvent => named({ type: 'content_block_stop', ...{ index } });
const messageStart = named({
  type: 'message_start',
  ...{ message: { id: 'msg_1', model: 'm-1', content: [], usage: { input_tokens: 5, output_tokens: 1 } } },
});
const messageEnd = (reason: string): WireEvent[] => [
  named({ type: 'message_delta', ...{ delta: { stop_reason: reason }, usage: { output_tokens: 7 } } }),
  named({ type: 'message_stop' }),
];

const anthropic: WireSeeds = {
  streams: [
    [
      messageStart,
      blockStart(0, { type: 'thinking', thinking: '', signature: '' }),
      blockDelta(0, { type: 'thinking_delta', thinking: 'Hm' }),
      blockDelta(0, { type: 'signature_delta', signature: 'sig' }),
      blockStop(0),
      blockStart(1, { type: 'text', text: '' }),
      blockDelta(1, { type: 'text_delta', text: 'Hello' }),
      blockStop(1),
      named({ type: 'ping' }),
      ...messageEnd('end_turn'),
    ],
    [
      messageStart,
      blockStart(0, { type: 'redacted_thinking', data: 'AAAA' }),
      blockStop(0),
      blockStart(1, { type: 'tool_use', id: 'toolu_1', name: 'f', input: {} }),
      blockDelta(1, { type: 'input_json_delta', partial_json: '{"a":1}' }),
      blockStop(1),
      blockStart(2, { type: 'tool_use', id: 'toolu_2', name: 'give_answer', input: { a: 1 } }),
      blockStop(2),
      ...messageEnd('tool_use'),
    ],
    [messageStart, named({ type: 'error', ...{ error: { type: 'overloaded_error', message: 'Overloaded' } } })],
  ],
  answers: [
    {
      id: 'msg_1',
      type: 'message',
      content: [
        { type: 'thinking', thinking: 'Hm', signature: 'sig' },
        { type: 'text', text: 'Hello' },
        { type: 'tool_use', id: 't', name: 'f', input: { a: [1] } },
      ],
      stop_reason: 'tool_use',
      usage: { input_tokens: 1, output_tokens: 2, cache_read_input_tokens: 1 },
    },
  ].map((answer) => JSON.stringify(answer)),
  failures: ['invalid_request_error', 'overloaded_error', 'rate_limit_error'].map((type) =>
    JSON.stringify({ type: 'error', error: { type, message: 'prompt is too long' } }),
  ),
  embeddings: [],
};

const candidate = (parts: readonly object[], finishReason?: string): WireEvent =>
  data({
    candidates: [{ index: 0, content: { role: 'model', parts }, finishReason }],
    usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 4, thoughtsTokenCount: 1 },
    modelVersion: 'm-1',
    responseId: 'r',
  });

const gemini: WireSeeds = {
  streams: [
    [candidate([{ text: 'Hm', thought: true }]), candidate([{ text: 'Hello', thoughtSignature: 's' }]), candidate([{ text: '' }], 'STOP')],
    [
      candidate([
        { functionCall: { name: 'f', willContinue: true }, thoughtSignature: 's' },
        { functionCall: { partialArgs: [{ jsonPath: '$.a.b[0]', stringValue: 'x', willContinue: true }], willContinue: true } },
      ]),
      candidate([{ functionCall: { partialArgs: [{ jsonPath: '$.a.b[0]', stringValue: 'y' }] } }, { functionCall: {} }], 'STOP'),
    ],
    [candidate([{ functionCall: { id: 'i', name: 'f', args: { a: 1 } } }], 'STOP')],
    [data({ promptFeedback: { blockReason: 'SAFETY' } })],
    [data([{ error: { code: 429, status: 'RESOURCE_EXHAUSTED', message: 'No' } }])],
  ],
  answers: [
    {
      candidates: [
        {
          content: { parts: [{ text: 'Hello' }, { functionCall: { name: 'f', args: {} } }] },
          finishReason: 'STOP',
          logprobsResult: {
            chosenCandidates: [{ token: 'é', logProbability: -0.5 }],
            topCandidates: [{ candidates: [{ token: 'a', logProbability: -1 }] }],
          },
        },
      ],
      usageMetadata: { promptTokenCount: 3 },
    },
  ].map((answer) => JSON.stringify(answer)),
  failures: [
    {
      error: {
        code: 400,
        status: 'INVALID_ARGUMENT',
        message: 'No',
        details: [{ reason: 'API_KEY_INVALID' }, { fieldViolations: [{ field: 'a.b' }] }, { retryDelay: '34s' }],
      },
    },
  ].map((failure) => JSON.stringify(failure)),
  embeddings: [{ embeddings: [{ values: [0.1, 0.2] }] }].map((answer) => JSON.stringify(answer)),
};

const bedrock: WireSeeds = {
  streams: [
    [
      frame('messageStart', { role: 'assistant' }),
      frame('contentBlockDelta', { contentBlockIndex: 0, delta: { reasoningContent: { text: 'Hm' } } }),
      frame('contentBlockDelta', { contentBlockIndex: 0, delta: { reasoningContent: { signature: 'sig' } } }),
      frame('contentBlockDelta', { contentBlockIndex: 0, delta: { reasoningContent: { redactedContent: 'AA==' } } }),
      frame('contentBlockStop', { contentBlockIndex: 0 }),
      frame('contentBlockDelta', { contentBlockIndex: 1, delta: { text: 'Hello' } }),
      frame('contentBlockStop', { contentBlockIndex: 1 }),
      frame('contentBlockStart', { contentBlockIndex: 2, start: { toolUse: { toolUseId: 't', name: 'f' } } }),
      frame('contentBlockDelta', { contentBlockIndex: 2, delta: { toolUse: { input: '{"a":1}' } } }),
      frame('contentBlockStop', { contentBlockIndex: 2 }),
      frame('messageStop', { stopReason: 'tool_use' }),
      frame('metadata', { usage: { inputTokens: 1, outputTokens: 2 } }),
    ],
    [frame('messageStart', { role: 'assistant' }), frame(':exception', { message: 'No' })],
  ],
  answers: [
    {
      output: {
        message: {
          content: [
            { reasoningContent: { reasoningText: { text: 'Hm', signature: 's' } } },
            { reasoningContent: { redactedContent: 'AA==' } },
            { citationsContent: { content: [{ text: 'cited' }] } },
            { toolUse: { toolUseId: 't', name: 'f', input: {} } },
          ],
        },
      },
      stopReason: 'end_turn',
      usage: { inputTokens: 1, outputTokens: 2 },
    },
  ].map((answer) => JSON.stringify(answer)),
  failures: [{ __type: 'com.amazon#ThrottlingException', message: 'Too many' }, { Message: 'Model not ready' }].map((failure) =>
    JSON.stringify(failure),
  ),
  embeddings: [],
};

export const handmadeSeeds: Readonly<Record<Wire, WireSeeds>> = { openai, anthropic, gemini, bedrock };

export const handmadeParts: Seeds['parts'] = [
  [
    { type: 'stream-start', warnings: [] },
    { type: 'response-metadata', id: 'r', modelId: 'm-1', timestamp: '2025-01-01T00:00:00Z' },
    { type: 'reasoning-start', id: '0' },
    { type: 'reasoning-delta', id: '0', delta: 'Hm', providerMetadata: { anthropic: { signature: 's' } } },
    { type: 'reasoning-end', id: '0' },
    { type: 'text-start', id: '1' },
    { type: 'text-delta', id: '1', delta: 'Hello' },
    { type: 'text-end', id: '1', providerMetadata: { google: { thoughtSignature: 's' } } },
    { type: 'finish', finishReason: { unified: 'stop', raw: 'stop' }, usage: { inputTokens: { total: 1 }, outputTokens: { total: 2 } } },
  ],
  [
    { type: 'tool-input-start', id: 'c', toolName: 'f' },
    { type: 'tool-input-delta', id: 'c', delta: '{"a":1}' },
    { type: 'tool-input-end', id: 'c' },
    { type: 'tool-call', toolCallId: 'c', toolName: 'f', input: '{"a":1}' },
    { type: 'tool-call', toolCallId: 'd', toolName: 'g', input: { a: 1 } },
    { type: 'finish', finishReason: 'tool-calls', usage: { inputTokens: 1, outputTokens: 2 } },
  ],
  [{ type: 'text-delta', id: '1', delta: 'x' }, { type: 'error', error: { message: 'No', statusCode: 503, responseHeaders: { 'retry-after': '3' } } }],
];
