import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createScriptedUpstream, type ScriptedUpstream } from 'nestjs-llm-router/testing';
import { createFaultBench, expectInterrupted, type FaultBench, readStream } from './support/fault-bench.js';
import { PLATFORMS } from './support/router-app.js';

const WHOLE = 'alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu';
const QUESTION = { role: 'user', content: 'Count in Greek' } as const;

/** What a model that understands the request for the rest says: all that is missing, and a few words once more. */
function restFor(said: string): string {
  const repeated = said.slice(Math.max(0, said.length - 20));
  return repeated + WHOLE.slice(said.length);
}

describe.each(PLATFORMS)('a stream that fails after its first token, on %s', (platform) => {
  let first: ScriptedUpstream;
  let second: ScriptedUpstream;
  let bench: FaultBench;

  beforeAll(async () => {
    first = await createScriptedUpstream({
      api: 'openai',
      reply: () => ({ text: WHOLE }),
      latency: { timeToFirstTokenMs: 0, tokensPerSecond: 100 },
    });
    second = await createScriptedUpstream({
      api: 'anthropic',
      reply: ({ body }) => {
        const messages = body.messages as { role: string; content: unknown }[];
        const said = messages.findLast(({ role }) => role === 'assistant');
        return { text: said === undefined ? WHOLE : restFor(textOf(said.content)) };
      },
    });
    bench = await createFaultBench({
      platform,
      options: {
        providers: {
          one: { api: 'openai', baseUrl: first.baseUrl, apiKey: 'k1' },
          two: { api: 'anthropic', baseUrl: second.baseUrl, apiKey: 'k2' },
        },
        models: { a: { provider: 'one' }, b: { provider: 'two' } },
        routingRules: { simple_queries: { primary: 'a', fallback: 'b' } },
        surfaces: { steady: { onStreamFailure: 'continue' }, plain: {} },
        execution: { timeouts: { idleMs: 300 } },
      },
    });
  });

  afterEach(async () => {
    await first.heal();
    await second.heal();
    bench.engine.signals.forget();
    bench.clear();
  });

  afterAll(async () => {
    await bench.expectQuiet(first, second);
    await bench.close();
    await Promise.all([first.close(), second.close()]);
  });

  it.each([
    ['cut', { kind: 'cut', afterChunks: 5 }],
    ['an error event', { kind: 'stream_error', afterChunks: 5 }],
    ['stalled', { kind: 'stalled', after: 'first_token' }],
  ] as const)('is taken up by another model where the surface says so: %s', async (_, fault) => {
    first.failNext(fault);
    const read = await readStream(
      bench.url,
      { model: 'auto', messages: [QUESTION], stream_options: { include_usage: true } },
      { 'x-llm-surface': 'steady' },
    );
    expect(read.error).toBeUndefined();
    expect(read.text).toBe(WHOLE);
    expect(read.raw).toContain('data: [DONE]');
    // One answer: the id it began with, one beginning, one end.
    expect(new Set(read.chunks.map(({ id }) => id)).size).toBe(1);
    const choices = read.chunks.flatMap((chunk) => chunk.choices);
    expect(choices.filter(({ delta }) => delta.role !== undefined).length).toBeLessThanOrEqual(1);
    expect(choices.flatMap(({ finish_reason: reason }) => reason ?? [])).toEqual(['stop']);
    const marks = read.chunks.flatMap((chunk) => ('llm_router' in chunk ? [chunk.llm_router] : []));
    expect(marks).toEqual([{ continued_by: { model: 'b', provider: 'two' } }]);
    expect(read.chunks.at(-1)?.usage?.completion_tokens).toBeGreaterThanOrEqual(Math.floor(WHOLE.length / 4));
    expect(bench.attempts.map(({ model, outcome }) => [model, outcome])).toEqual([
      ['a', fault.kind === 'stalled' ? 'timed_out' : 'failed'],
      ['b', 'succeeded'],
    ]);
    expect(bench.requests).toMatchObject([{ outcome: 'succeeded', attempts: 2 }]);
    const handed = second.requests.at(-1)!.body.messages as { role: string; content: unknown }[];
    expect(handed.map(({ role }) => role)).toEqual(['user', 'assistant', 'user']);
    expect(WHOLE.startsWith(textOf(handed[1]!.content))).toBe(true);
  });

  it('ends with an error event where the surface does not say so', async () => {
    const before = second.requestCount;
    first.failNext({ kind: 'cut', afterChunks: 5 });
    const headers = { 'x-llm-surface': 'plain' };
    expectInterrupted(await readStream(bench.url, { model: 'auto', messages: [QUESTION] }, headers));
    expect(second.requestCount).toBe(before);
  });

  it('ends with an error event where the answer must be JSON, or nobody is left to take it up', async () => {
    const headers = { 'x-llm-surface': 'steady' };
    first.failNext({ kind: 'cut', afterChunks: 5 });
    expectInterrupted(
      await readStream(
        bench.url,
        { model: 'auto', messages: [QUESTION], response_format: { type: 'json_object' } },
        headers,
      ),
    );
    first.failNext({ kind: 'cut', afterChunks: 5 });
    second.failAlways({ kind: 'status', status: 500 });
    expectInterrupted(await readStream(bench.url, { model: 'auto', messages: [QUESTION] }, headers));
    expect(bench.requests.at(-1)).toMatchObject({ outcome: 'failed', errorCode: 'stream_interrupted' });
  });
});

function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  return (content as { text?: string }[]).map(({ text = '' }) => text).join('');
}
