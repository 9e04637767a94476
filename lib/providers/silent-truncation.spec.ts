import { describe, expect, it } from 'vitest';
import type { ProviderErrorKind } from '../errors/provider-error-kind.js';
import { adapterFor, type ProviderApi } from './adapter-registry.js';
import { AiSdkStreamTranslator } from './ai-sdk/ai-sdk-stream-translator.js';
import { PLAIN_CALL } from './conformance/translate.spec-support.js';
import type { ProviderCall, WireEvent } from './provider-adapter.js';

/** A finish reason that the client gets, or the kind of error the attempt ends with. */
type End = { readonly finish: string } | { readonly error: ProviderErrorKind };

const finish = (reason: string): End => ({ finish: reason });
const cut: End = { error: 'stream_cut' };
const bad: End = { error: 'bad_response' };

const data = (value: unknown): WireEvent => ({
  data: typeof value === 'string' ? value : JSON.stringify(value),
});

const done = data('[DONE]');
const text = (index = 0): WireEvent => data({ choices: [{ index, delta: { content: 'Half' } }] });
const stop = (reason: unknown, index = 0): WireEvent =>
  data({ choices: [{ index, delta: {}, finish_reason: reason }] });

const messageStart = data({ type: 'message_start', message: { content: [] } });
const blockText = data({
  type: 'content_block_delta',
  index: 0,
  delta: { type: 'text_delta', text: 'Half' },
});
const messageDelta = (reason: unknown): WireEvent =>
  data({ type: 'message_delta', delta: { stop_reason: reason } });
const messageStop = data({ type: 'message_stop' });

const candidate = (finishReason?: unknown, index = 0): WireEvent =>
  data({ candidates: [{ index, content: { parts: [{ text: 'Half' }] }, finishReason }] });

const named = (event: string, value: unknown): WireEvent => ({ event, data: JSON.stringify(value) });
const converseText = named('contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'Half' } });

/** Every way a stream may end cleanly, and whether that is an answer. */
const STREAMS: readonly [string, ProviderApi, WireEvent[], End][] = [
  ['nothing at all', 'openai', [], cut],
  ['text alone', 'openai', [text()], cut],
  ['a finish reason and no [DONE]', 'openai', [text(), stop('stop')], finish('stop')],
  ['[DONE] and no finish reason', 'openai', [text(), done], cut],
  ['[DONE] and a finish reason of null', 'openai', [text(), stop(null), done], cut],
  ['[DONE] and an empty finish reason', 'openai', [text(), stop(''), done], cut],
  ['a finish reason that is no text', 'openai', [text(), stop(true), done], cut],
  ['[DONE] alone', 'openai', [done], bad],
  ['a finish reason before the text', 'openai', [stop('stop'), text(), done], finish('stop')],
  ['a limit', 'openai', [text(), stop('length'), done], finish('length')],
  ['a fault by its own word', 'openai', [text(), stop('error'), done], { error: 'server_error' }],
  ['one of two choices unfinished', 'openai', [text(), text(1), stop('stop')], cut],

  ['text alone', 'openai-compatible', [text()], cut],
  ['a finish reason and no [DONE]', 'openai-compatible', [text(), stop('stop')], finish('stop')],
  // Some servers never give one: their terminator is all there is.
  ['[DONE] and no finish reason', 'openai-compatible', [text(), done], finish('stop')],
  ['[DONE] alone', 'openai-compatible', [done], bad],

  ['text alone', 'azure-openai', [text()], cut],
  ['[DONE] and no finish reason', 'azure-openai', [text(), done], cut],

  ['text alone', 'anthropic', [messageStart, blockText], cut],
  [
    'a stop reason and no message_stop',
    'anthropic',
    [messageStart, blockText, messageDelta('end_turn')],
    cut,
  ],
  ['message_stop and no stop reason', 'anthropic', [messageStart, blockText, messageStop], cut],
  [
    'message_stop and a null for a reason',
    'anthropic',
    [messageStart, blockText, messageDelta(null), messageStop],
    cut,
  ],
  ['a proxy’s [DONE] and no stop reason', 'anthropic', [messageStart, blockText, done], cut],
  [
    'a proxy’s [DONE]',
    'anthropic',
    [messageStart, blockText, messageDelta('end_turn'), done],
    finish('stop'),
  ],
  ['message_stop alone', 'anthropic', [messageStop], bad],
  [
    'all there is',
    'anthropic',
    [messageStart, blockText, messageDelta('end_turn'), messageStop],
    finish('stop'),
  ],
  [
    'a limit',
    'anthropic',
    [messageStart, blockText, messageDelta('max_tokens'), messageStop],
    finish('length'),
  ],
  [
    'a message that was whole at its start',
    'anthropic',
    [
      data({
        type: 'message_start',
        message: { content: [{ type: 'text', text: 'All' }], stop_reason: 'end_turn' },
      }),
      messageStop,
    ],
    finish('stop'),
  ],

  ['nothing at all', 'gemini', [], cut],
  ['text alone', 'gemini', [candidate()], cut],
  ['a finish reason that is no text', 'gemini', [candidate(1)], cut],
  ['a proxy’s [DONE] and no finish reason', 'gemini', [candidate(), done], cut],
  ['one of two candidates unfinished', 'gemini', [candidate(undefined, 1), candidate('STOP')], cut],
  ['a finish reason', 'gemini', [candidate(), candidate('STOP')], finish('stop')],
  ['a limit', 'gemini', [candidate('MAX_TOKENS')], finish('length')],
  ['usage alone', 'gemini', [data({ usageMetadata: { promptTokenCount: 1 } })], cut],
  ['text alone', 'vertex', [candidate()], cut],

  ['text alone', 'bedrock', [converseText], cut],
  ['usage and no messageStop', 'bedrock', [converseText, named('metadata', { usage: {} })], cut],
  [
    'messageStop without a reason',
    'bedrock',
    [converseText, named('messageStop', {}), named('metadata', {})],
    cut,
  ],
  [
    'messageStop',
    'bedrock',
    [converseText, named('messageStop', { stopReason: 'end_turn' })],
    finish('stop'),
  ],
  [
    'a limit',
    'bedrock',
    [converseText, named('messageStop', { stopReason: 'max_tokens' })],
    finish('length'),
  ],
];

function endOf(api: ProviderApi, events: readonly WireEvent[], call: ProviderCall): End {
  const translator = adapterFor(api).createStreamTranslator(call);
  try {
    const chunks = [...events.flatMap((event) => translator.push(event)), ...translator.end()];
    const reasons = chunks.flatMap(({ choices }) => choices.map((choice) => choice.finish_reason));
    return finish(reasons.find((reason) => reason !== null) ?? 'none');
  } catch (error) {
    return { error: (error as { kind: ProviderErrorKind }).kind };
  }
}

describe('a stream that ends cleanly', () => {
  it.each(STREAMS)('after %s (%s)', (_name, api, events, expected) => {
    expect(endOf(api, events, PLAIN_CALL)).toEqual(expected);
  });

  const two: ProviderCall = { ...PLAIN_CALL, request: { ...PLAIN_CALL.request, n: 2 } };
  it.each([
    ['one of two choices never began', [text(), stop('stop')], cut],
    ['one of two choices never began, and [DONE]', [text(), stop('stop'), done], cut],
    ['both are finished', [text(), text(1), stop('stop'), stop('stop', 1)], finish('stop')],
    ['both are finished, and [DONE]', [text(), text(1), stop('stop'), stop('stop', 1), done], finish('stop')],
  ] satisfies [string, WireEvent[], End][])('with n = 2: %s', (_name, events, expected) => {
    expect(endOf('openai', events, two)).toEqual(expected);
  });
});

describe('a stream of an AI SDK model', () => {
  const endWith = (...parts: readonly unknown[]): unknown => {
    const translator = new AiSdkStreamTranslator(PLAIN_CALL);
    translator.push({ type: 'text-delta', id: '0', delta: 'Half' });
    for (const part of parts) translator.push(part);
    return translator.end().flatMap(({ choices }) => choices.map((choice) => choice.finish_reason))[0];
  };

  it.each([
    ['no finish', []],
    // What providers put behind a stream of which the upstream gave no end.
    [
      'a finish without a word of the upstream',
      [{ type: 'finish', finishReason: { unified: 'other', raw: undefined } }],
    ],
    ['a finish without a reason', [{ type: 'finish' }]],
    ['an interruption', [{ type: 'finish', finishReason: { unified: 'interrupted' } }]],
  ])('is cut after %s', (_name, parts) => {
    expect(() => endWith(...parts)).toThrow(expect.objectContaining({ kind: 'stream_cut' }));
  });

  it.each([
    ['a reason nobody knows', { unified: 'other', raw: 'eos' }],
    ['version 2’s word', 'other'],
    ['a stop', { unified: 'stop', raw: 'stop' }],
  ])('is whole after %s', (_name, finishReason) => {
    expect(endWith({ type: 'finish', finishReason })).toBe('stop');
  });
});
