import { existsSync, readFileSync } from 'node:fs';
import { type AnySchemaObject, Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import type { Response, ResponseStreamEvent } from 'openai/resources/responses/responses';
import { describe, expect, it } from 'vitest';
import type { ChatCompletion, ChatCompletionChunk } from '../chat/index.js';
import { RateLimitedError } from '../errors/rate-limited-error.js';
import { StreamInterruptedError } from '../errors/stream-interrupted-error.js';
import { fromChatCompletion } from './from-chat-completion.js';
import { ResponseEventTranslator } from './response-event-translator.js';
import { toChatRequest } from './to-chat-request.js';

const SHARED = new URL('../../../shared/', import.meta.url);
const SCHEMA = new URL('openai-schema/openai-responses.schema.json', SHARED);
const hasSchema = existsSync(SCHEMA);

/** Throws where a value is none of the schema's; passes everything where ../shared is absent. */
function makeCheck(name: string): (value: unknown) => void {
  if (!hasSchema) return () => undefined;
  const ajv = new Ajv2020({ strict: false, validateFormats: false, logger: false });
  ajv.addSchema(JSON.parse(readFileSync(SCHEMA, 'utf8')) as AnySchemaObject);
  const validate = ajv.getSchema(`urn:openai-openapi:responses#/$defs/${name}`);
  if (validate === undefined) throw new Error(`${name} is not in the schema`);
  return (value) => {
    // As on the wire: undefined is not there.
    const sent: unknown = JSON.parse(JSON.stringify(value));
    if (validate(sent) !== true) {
      throw new Error(`${JSON.stringify(sent)}: ${JSON.stringify(validate.errors?.slice(0, 5))}`);
    }
  };
}

const checkResponse = makeCheck('Response');
const checkEvent = makeCheck('ResponseStreamEvent');

const ENCRYPTED = { input: 'Hello', include: ['reasoning.encrypted_content'] };
const USAGE = {
  prompt_tokens: 9,
  completion_tokens: 4,
  total_tokens: 13,
  prompt_tokens_details: { cached_tokens: 3, cache_write_tokens: 1 },
  completion_tokens_details: { reasoning_tokens: 2 },
};

interface Answer {
  readonly message: Record<string, unknown>;
  readonly finish?: string;
  readonly logprobs?: unknown;
}

function whole({ message, finish = 'stop', logprobs = null }: Answer): ChatCompletion {
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1_700_000_000,
    model: 'some-model',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: null, refusal: null, ...message },
        finish_reason: finish,
        logprobs,
      },
    ],
    usage: USAGE,
  } as unknown as ChatCompletion;
}

function chunk(
  delta: Record<string, unknown> | undefined,
  finish: string | null = null,
  rest: object = {},
): ChatCompletionChunk {
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1_700_000_000,
    model: 'some-model',
    choices: delta === undefined ? [] : [{ index: 0, delta, finish_reason: finish, logprobs: null }],
    ...rest,
  } as unknown as ChatCompletionChunk;
}

function translate(
  chunks: readonly ChatCompletionChunk[],
  body: unknown = { input: 'Hello' },
): ResponseStreamEvent[] {
  const translator = new ResponseEventTranslator(body, () => 1_700_000_000);
  const events = [...chunks.flatMap((next) => translator.push(next)), ...translator.end()];
  expectWellFormed(events);
  return events;
}

/** Every event of the schema, numbered from 0, each item's pieces inside it and equal to what it ends as. */
function expectWellFormed(events: readonly ResponseStreamEvent[]): void {
  expect(events.map((event) => event.sequence_number)).toEqual(events.map((_event, index) => index));
  for (const event of events) checkEvent(event);
  expect(events.slice(0, 2).map(({ type }) => type)).toEqual(['response.created', 'response.in_progress']);
  const ids = new Map<number, string | undefined>();
  const open = new Set<string>();
  for (const event of events) {
    if (event.type === 'response.output_item.added') {
      ids.set(event.output_index, event.item.id);
      open.add(String(event.item.id));
    } else if (event.type === 'response.output_item.done') {
      expect(open.delete(String(event.item.id))).toBe(true);
      expect(ids.get(event.output_index)).toBe(event.item.id);
    } else if ('item_id' in event) {
      expect(open.has(event.item_id)).toBe(true);
    }
  }
}

function finalOf(events: readonly ResponseStreamEvent[]): Response {
  const final = events.at(-1);
  if (final === undefined || !('response' in final)) throw new Error('No final event.');
  return final.response;
}

/** An answer without what is random in it, reasoning of all items put together. */
function comparable(response: Response): unknown {
  const strip = ({ id: _id, ...item }: Record<string, unknown>): unknown => item;
  return {
    ...response,
    id: '',
    output: (response.output as unknown as Record<string, unknown>[]).map(strip),
  };
}

const types = (events: readonly ResponseStreamEvent[]): string[] =>
  events.map(({ type }) => type.replace(/^response\./, ''));

describe('a chat completion as a response', () => {
  it('the check against the schema can fail (skipped where ../shared is absent)', ({ skip }) => {
    if (!hasSchema) skip();
    expect(() => {
      checkResponse({ object: 'response' });
    }).toThrow();
    expect(() => {
      checkEvent({ type: 'response.completed' });
    }).toThrow();
  });

  it('echoes its request, and has the usage', () => {
    const request = {
      input: 'Hello',
      instructions: 'Be kind.',
      tools: [{ type: 'function', name: 'f' }],
      tool_choice: 'auto',
      temperature: 0.5,
      metadata: { a: 'b' },
      reasoning: { effort: 'low' },
      store: true,
      max_output_tokens: 50,
    };
    const response = fromChatCompletion(whole({ message: { content: 'Hi.' } }), request);
    checkResponse(response);
    expect(response).toMatchObject({
      id: expect.stringMatching(/^resp_/) as string,
      object: 'response',
      status: 'completed',
      created_at: 1_700_000_000,
      model: 'some-model',
      instructions: 'Be kind.',
      tools: [{ type: 'function', name: 'f', strict: false, parameters: null }],
      temperature: 0.5,
      top_p: null,
      metadata: { a: 'b' },
      reasoning: { effort: 'low' },
      store: false,
      previous_response_id: null,
      max_output_tokens: 50,
      text: { format: { type: 'text' } },
      usage: {
        input_tokens: 9,
        input_tokens_details: { cached_tokens: 3, cache_write_tokens: 1 },
        output_tokens: 4,
        output_tokens_details: { reasoning_tokens: 2 },
        total_tokens: 13,
      },
      output: [
        {
          type: 'message',
          id: expect.stringMatching(/^msg_/) as string,
          status: 'completed',
          content: [{ type: 'output_text', text: 'Hi.', annotations: [], logprobs: [] }],
        },
      ],
    });
    expect(response).not.toHaveProperty('output_text');
  });

  it.each([
    ['length', 'max_output_tokens'],
    ['content_filter', 'content_filter'],
  ])('finish %s: incomplete', (finish, reason) => {
    const response = fromChatCompletion(whole({ message: { content: 'Hi' }, finish }), { input: 'x' });
    checkResponse(response);
    expect(response).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason },
      output: [{ status: 'incomplete' }],
    });
    const events = translate(
      [chunk({ content: 'Hi' }), chunk({}, finish), chunk(undefined, null, { usage: USAGE })],
      {
        input: 'x',
      },
    );
    expect(events.at(-1)?.type).toBe('response.incomplete');
    expect(comparable(finalOf(events))).toEqual(comparable(response));
  });

  it('log probabilities, where they were asked for', () => {
    const token = {
      token: 'é',
      logprob: -0.5,
      bytes: null,
      top_logprobs: [{ token: 'é', logprob: -0.5, bytes: [195, 169] }],
    };
    const logprobs = { content: [token], refusal: null };
    const asked = { input: 'x', include: ['message.output_text.logprobs'] };
    const read = (response: Response): unknown =>
      (response.output[0] as { content: { logprobs: unknown }[] }).content[0]?.logprobs;
    const expected = [{ ...token, bytes: [195, 169] }];
    const answer = fromChatCompletion(whole({ message: { content: 'é' }, logprobs }), asked);
    checkResponse(answer);
    expect(read(answer)).toEqual(expected);
    expect(read(fromChatCompletion(whole({ message: { content: 'é' }, logprobs }), { input: 'x' }))).toEqual(
      [],
    );
    const streamed = chunk({ content: 'é' });
    Object.assign(streamed.choices[0]!, { logprobs });
    expect(read(finalOf(translate([streamed], asked)))).toEqual(expected);
  });
});

describe('a streamed chat completion as events', () => {
  it('a text', () => {
    const events = translate([
      chunk({ role: 'assistant', content: '' }),
      chunk({ content: 'Hel' }),
      chunk({ content: 'lo' }),
      chunk({}, 'stop'),
      chunk(undefined, null, { usage: USAGE }),
    ]);
    expect(types(events)).toEqual([
      'created',
      'in_progress',
      'output_item.added',
      'content_part.added',
      'output_text.delta',
      'output_text.delta',
      'output_text.done',
      'content_part.done',
      'output_item.done',
      'completed',
    ]);
    expect(finalOf(events).usage?.total_tokens).toBe(13);
  });

  it('thinking, a text and two calls whose pieces are mixed', () => {
    const call = (index: number, rest: object) => ({ tool_calls: [{ index, ...rest }] });
    const events = translate([
      chunk({ reasoning_content: 'Hm' }),
      chunk({ reasoning_content: '.' }),
      chunk({ content: 'Let me see.' }),
      chunk(call(0, { id: 'call_1', type: 'function', function: { name: 'a', arguments: '{"x"' } })),
      chunk(call(1, { id: 'call_2', type: 'custom', custom: { name: 'b', input: 'l' } })),
      chunk(call(0, { function: { arguments: ':1}' } })),
      chunk(call(1, { custom: { input: 's' } })),
      chunk({}, 'tool_calls'),
    ]);
    expect(types(events)).toEqual([
      'created',
      'in_progress',
      'output_item.added',
      'reasoning_summary_part.added',
      'reasoning_summary_text.delta',
      'reasoning_summary_text.delta',
      'reasoning_summary_text.done',
      'reasoning_summary_part.done',
      'output_item.done',
      'output_item.added',
      'content_part.added',
      'output_text.delta',
      'output_item.added',
      'function_call_arguments.delta',
      'output_item.added',
      'custom_tool_call_input.delta',
      'function_call_arguments.delta',
      'custom_tool_call_input.delta',
      'output_text.done',
      'content_part.done',
      'output_item.done',
      'function_call_arguments.done',
      'output_item.done',
      'custom_tool_call_input.done',
      'output_item.done',
      'completed',
    ]);
    expect(finalOf(events).output).toMatchObject([
      { type: 'reasoning', summary: [{ text: 'Hm.' }] },
      { type: 'message', content: [{ text: 'Let me see.' }] },
      { type: 'function_call', call_id: 'call_1', name: 'a', arguments: '{"x":1}', status: 'completed' },
      { type: 'custom_tool_call', call_id: 'call_2', name: 'b', input: 'ls' },
    ]);
  });

  it('a call whose name comes after its first arguments', () => {
    const events = translate([
      chunk({ tool_calls: [{ index: 0, id: 'call_1', function: { arguments: '{"x"' } }] }),
      chunk({ tool_calls: [{ index: 0, function: { name: 'a', arguments: ':1' } }] }),
      chunk({ tool_calls: [{ index: 0, function: { arguments: '}' } }] }),
      chunk({ tool_calls: [{ index: 1, id: 'call_2', function: { arguments: '{}' } }] }),
      chunk({}, 'tool_calls'),
    ]);
    // A call that never gets a name can be made by nobody.
    expect(finalOf(events).output).toMatchObject([{ call_id: 'call_1', name: 'a', arguments: '{"x":1}' }]);
    expect(finalOf(events).output).toHaveLength(1);
  });

  it('a refusal; an answer that says nothing; a stream without a chunk', () => {
    const refused = translate([chunk({ refusal: 'N' }), chunk({ refusal: 'o.' }), chunk({}, 'stop')]);
    expect(types(refused)).toContain('refusal.done');
    expect(finalOf(refused).output).toMatchObject([{ content: [{ type: 'refusal', refusal: 'No.' }] }]);
    for (const chunks of [[chunk({}, 'stop')], []]) {
      expect(finalOf(translate(chunks)).output).toMatchObject([
        { content: [{ type: 'output_text', text: '' }] },
      ]);
    }
  });

  it('an error: what has come stands in the failed response, and no call is told as done', () => {
    const translator = new ResponseEventTranslator({ input: 'x' }, () => 1);
    const events = [
      ...translator.push(chunk({ content: 'Hel' })),
      ...translator.push(
        chunk({ tool_calls: [{ index: 0, id: 'c', function: { name: 'pay', arguments: '{"a' } }] }),
      ),
      ...translator.fail(new StreamInterruptedError('stream_cut')),
    ];
    expectWellFormed(events);
    expect(types(events).slice(-2)).toEqual(['error', 'failed']);
    expect(types(events)).not.toContain('output_item.done');
    expect(events.at(-2)).toMatchObject({ code: 'stream_interrupted', param: null });
    expect(finalOf(events)).toMatchObject({
      status: 'failed',
      error: { code: 'server_error' },
      output: [
        { status: 'incomplete', content: [{ text: 'Hel' }] },
        { status: 'incomplete', arguments: '{"a' },
      ],
    });
  });

  it('an error before the first chunk', () => {
    const events = new ResponseEventTranslator({ input: 'x', model: 'm' }, () => 7).fail(
      new RateLimitedError(undefined),
    );
    expectWellFormed(events);
    expect(types(events)).toEqual(['created', 'in_progress', 'error', 'failed']);
    expect(finalOf(events)).toMatchObject({
      created_at: 7,
      model: 'm',
      error: { code: 'rate_limit_exceeded' },
    });
  });
});

describe('reasoning that comes back', () => {
  const details = [
    { type: 'reasoning.text', text: 'Hm, well.', signature: 'sig', index: 0 },
    { type: 'reasoning.encrypted', data: 'xyz', index: 1 },
  ];
  const extra = { google: { thought_signature: 'thought' } };
  const toolCall = { id: 'call_1', type: 'function', function: { name: 'f', arguments: '{}' } };
  const expected = {
    role: 'assistant',
    content: 'Text.',
    reasoning_content: 'Hm, well.',
    reasoning_details: details,
    tool_calls: [{ ...toolCall, extra_content: extra }],
  };

  const back = (output: unknown[]): unknown =>
    toChatRequest({
      input: [
        { role: 'user', content: 'x' },
        ...output,
        { type: 'function_call_output', call_id: 'call_1', output: 'y' },
      ],
    }).messages[1];

  it('whole: the message is the one the provider gave', () => {
    const message = {
      content: 'Text.',
      reasoning_content: 'Hm, well.',
      reasoning_details: details,
      tool_calls: [{ ...toolCall, extra_content: extra }],
    };
    const response = fromChatCompletion(whole({ message, finish: 'tool_calls' }), ENCRYPTED);
    checkResponse(response);
    expect(back(response.output)).toEqual(expected);
    const { output } = fromChatCompletion(whole({ message }), { input: 'x' });
    expect(JSON.stringify(output)).not.toContain('encrypted_content');
    expect(back(output)).toEqual({ ...expected, reasoning_details: undefined, tool_calls: [toolCall] });
  });

  it('streamed: the same, in whatever order it came', () => {
    const events = translate(
      [
        chunk({
          reasoning_content: 'Hm, ',
          reasoning_details: [{ type: 'reasoning.text', text: 'Hm, ', index: 0 }],
        }),
        chunk({
          reasoning_content: 'well.',
          reasoning_details: [{ type: 'reasoning.text', text: 'well.', index: 0 }],
        }),
        chunk({ reasoning_details: [{ type: 'reasoning.text', signature: 'sig', index: 0 }] }),
        chunk({ content: 'Text.' }),
        chunk({ reasoning_details: [details[1]] }),
        chunk({ tool_calls: [{ index: 0, ...toolCall, extra_content: extra }] }),
        chunk({}, 'tool_calls'),
      ],
      ENCRYPTED,
    );
    expect(back(finalOf(events).output)).toEqual(expected);
  });

  it('what is not ours, broken or too large is left out, and the summary stays', () => {
    const foreign = [
      'gAAAAABo',
      '',
      Buffer.from('{"router":1,"details":{"length":5},"tool_calls":[null,{"id":5}]}').toString('base64url'),
      Buffer.from('{"router":2,"details":[{"type":"reasoning.text","text":"x"}]}').toString('base64url'),
      Buffer.from(
        `{"router":1,"details":[{"type":"reasoning.text","text":"${'x'.repeat(900_000)}"}]}`,
      ).toString('base64url'),
      5,
    ];
    for (const encrypted of foreign) {
      const reasoning = { type: 'reasoning', summary: [{ text: 'Hm.' }], encrypted_content: encrypted };
      expect(back([reasoning, { role: 'assistant', content: 'A' }])).toEqual({
        role: 'assistant',
        content: 'A',
        reasoning_content: 'Hm.',
      });
    }
  });

  it('fields that no detail has do not come back from a client', () => {
    const envelope = {
      router: 1,
      details: [{ type: 'reasoning.text', text: 'x', __proto__x: 1, more: { a: 1 } }],
    };
    const encrypted = Buffer.from(JSON.stringify(envelope)).toString('base64url');
    expect(
      back([
        { type: 'reasoning', encrypted_content: encrypted },
        { role: 'assistant', content: 'A' },
      ]),
    ).toEqual({
      role: 'assistant',
      content: 'A',
      reasoning_details: [{ type: 'reasoning.text', text: 'x' }],
    });
  });
});

describe('whole and streamed (property)', () => {
  const someCall = fc.record({
    id: fc.string({ minLength: 1 }),
    name: fc.string({ minLength: 1 }),
    input: fc.string({ unit: 'binary' }),
    isCustom: fc.boolean(),
  });
  const answer = fc.record({
    thoughts: fc.string(),
    text: fc.string({ unit: 'binary' }),
    refusal: fc.string(),
    calls: fc.uniqueArray(someCall, { maxLength: 4, selector: ({ id }) => id }),
    finish: fc.constantFrom('stop', 'tool_calls', 'length', 'content_filter'),
  });

  const pieces = (text: string, size: number): string[] =>
    text.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? [];

  it('are the same response, valid by the schema', () => {
    fc.assert(
      fc.property(
        answer,
        fc.integer({ min: 1, max: 5 }),
        ({ thoughts, text, refusal, calls, finish }, size) => {
          const message = {
            content: text,
            refusal,
            reasoning_content: thoughts,
            tool_calls: calls.map(({ id, name, input, isCustom }) =>
              isCustom
                ? { id, type: 'custom', custom: { name, input } }
                : { id, type: 'function', function: { name, arguments: input } },
            ),
          };
          const response = fromChatCompletion(whole({ message, finish }), { input: 'x' });
          checkResponse(response);
          const events = translate([
            ...pieces(thoughts, size).map((piece) => chunk({ reasoning_content: piece })),
            ...pieces(text, size).map((piece) => chunk({ content: piece })),
            ...pieces(refusal, size).map((piece) => chunk({ refusal: piece })),
            ...calls.flatMap(({ id, name, input, isCustom }, index) => {
              const kind = isCustom ? 'custom' : 'function';
              const field = isCustom ? 'input' : 'arguments';
              const head = { index, id, type: kind, [kind]: { name, [field]: '' } };
              return [
                chunk({ tool_calls: [head] }),
                ...pieces(input, size).map((piece) =>
                  chunk({ tool_calls: [{ index, [kind]: { [field]: piece } }] }),
                ),
              ];
            }),
            chunk({}, finish),
            chunk(undefined, null, { usage: USAGE }),
          ]);
          expect(comparable(finalOf(events))).toEqual(comparable(response));
          const streamed = events.flatMap((event) =>
            event.type === 'response.output_text.delta' ? [event.delta] : [],
          );
          expect(streamed.join('')).toBe(text);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('whatever a chunk holds, nothing throws', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), fc.jsonValue(), (deltas, extra) => {
        const translator = new ResponseEventTranslator(ENCRYPTED, () => 1);
        for (const delta of deltas) {
          translator.push(chunk(delta as never));
          translator.push(chunk({ content: delta, tool_calls: [delta, extra], reasoning_details: delta }));
          translator.push(chunk({ tool_calls: [{ function: delta, extra_content: extra, id: extra }] }));
        }
        for (const event of translator.end()) checkEvent(event);
      }),
      { numRuns: 200 },
    );
  });
});

describe.skipIf(!hasSchema)('recorded streams of OpenAI (skipped where ../shared is absent)', () => {
  interface RecordedEvent {
    readonly type: string;
    readonly delta?: string;
    readonly output_index?: number;
    readonly item?: { readonly type: string; readonly call_id?: string; readonly name?: string };
  }

  /** What a chat completion would have streamed where the event was. */
  function toChunk({
    type,
    delta,
    item,
    output_index: index,
  }: RecordedEvent): ChatCompletionChunk | undefined {
    if (type === 'response.output_text.delta') return chunk({ content: delta });
    if (type === 'response.reasoning_summary_text.delta') return chunk({ reasoning_content: delta });
    if (type === 'response.function_call_arguments.delta') {
      return chunk({ tool_calls: [{ index, function: { arguments: delta } }] });
    }
    if (type !== 'response.output_item.added' || item?.type !== 'function_call') return undefined;
    return chunk({ tool_calls: [{ index, id: item.call_id, function: { name: item.name } }] });
  }

  it.each([
    'responses.text_stream.responses-basic-streaming.507cca.json',
    'responses.tool_call_stream.openai-responses-stream.cff2bd.json',
    'responses.tool_result_stream.openai-responses-stream.c291e9.json',
    'responses.tool_call_stream.router-analytics-complete-workflow.c8be68.json',
  ])('the order of events of %s', (name) => {
    const recording = JSON.parse(readFileSync(new URL(`fixtures/openai/${name}`, SHARED), 'utf8')) as {
      readonly sse_raw: string;
    };
    const recorded = recording.sse_raw
      .split('\n')
      .filter((line) => line.startsWith('data:'))
      .map((line) => JSON.parse(line.slice('data:'.length)) as RecordedEvent);
    // OpenAI shows a reasoning item also where there is nothing to read in it; we have none then.
    const silent = new Set(
      recorded
        .filter(({ type, item }) => type === 'response.output_item.added' && item?.type === 'reasoning')
        .map(({ output_index: index }) => index),
    );
    const shown = recorded.filter(({ output_index: index }) => index === undefined || !silent.has(index));
    const chunks = recorded.map(toChunk).filter((next) => next !== undefined);
    expect(types(translate(chunks))).toEqual(types(shown as ResponseStreamEvent[]));
  });
});
