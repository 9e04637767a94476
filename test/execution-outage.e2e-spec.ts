import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createScriptedUpstream, type ScriptedUpstream } from 'nestjs-llm-router/testing';
import { createFaultBench, expectInterrupted, type FaultBench, readStream } from './support/fault-bench.js';
import { PLATFORMS } from './support/router-app.js';

const EACH = 25;
/** Takes seconds: the upstream dies in the middle of it. */
const TEXT = Array.from({ length: 40 }, (_, index) => `word${index}`).join(' ');

describe.each(PLATFORMS)('the primary killed under 50 concurrent requests on %s', (platform) => {
  let primary: ScriptedUpstream;
  let fallback: ScriptedUpstream;
  let bench: FaultBench;

  beforeAll(async () => {
    primary = await createScriptedUpstream({
      api: 'openai',
      reply: () => ({ text: TEXT }),
      // Half of the streams begin at once; the others, and all whole answers, have not begun when it dies.
      latency: (model) => ({ timeToFirstTokenMs: model === 'late' ? 5_000 : 0, tokensPerSecond: 20 }),
    });
    fallback = await createScriptedUpstream({ api: 'anthropic', reply: () => ({ text: 'Fallback.' }) });
    bench = await createFaultBench({
      platform,
      options: {
        providers: {
          primary: { api: 'openai', baseUrl: primary.baseUrl, apiKey: 'k1' },
          fallback: { api: 'anthropic', baseUrl: fallback.baseUrl, apiKey: 'k2' },
        },
        models: {
          first: { provider: 'primary' },
          late: { provider: 'primary' },
          second: { provider: 'fallback' },
        },
        routingRules: {
          begun: { primary: 'first', fallback: 'second' },
          waiting: { primary: 'late', fallback: 'second', maxLatencyMs: 10_000 },
        },
      },
    });
  });

  afterAll(async () => {
    await bench.close();
    await Promise.all([primary.close(), fallback.close()]);
  });

  it('answers all that had not begun by the fallback, ends the others with an error event, hangs none', async () => {
    const messages = [{ role: 'user' as const, content: 'Tell a story' }];
    const whole = Array.from({ length: EACH }, () =>
      bench.client.chat.completions.create({ model: 'waiting', messages }).withResponse(),
    );
    const early: Promise<Awaited<ReturnType<typeof readStream>>>[] = [];
    const late: typeof early = [];
    for (let index = 0; index < EACH; index += 1) {
      const isEarly = index % 2 === 0;
      (isEarly ? early : late).push(
        readStream(bench.url, { model: isEarly ? 'begun' : 'waiting', messages }),
      );
    }
    let firstTokens = 0;
    const allBegun = new Promise<void>((resolve) => {
      bench.engine.bus.on('attempt-first-token', () => {
        firstTokens += 1;
        if (firstTokens === early.length) resolve();
      });
    });
    await Promise.all([primary.whenRequests(2 * EACH), allBegun]);
    expect(bench.engine.pipeline.inFlight).toBe(2 * EACH);
    primary.failAlways({ kind: 'refused' });

    for (const { data, response } of await Promise.all(whole)) {
      expect(data.choices[0]?.message.content).toBe('Fallback.');
      expect(response.headers.get('x-llm-tier')).toBe('secondary');
    }
    for (const read of await Promise.all(late)) {
      expect(read.error).toBeUndefined();
      expect(read.text).toBe('Fallback.');
      expect(read.response.headers.get('x-llm-tier')).toBe('secondary');
    }
    for (const read of await Promise.all(early)) {
      expectInterrupted(read);
      expect(TEXT.startsWith(read.text)).toBe(true);
    }
    expect(bench.requests).toHaveLength(2 * EACH);
    expect(new Set(bench.requests.map(({ decisionId }) => decisionId)).size).toBe(2 * EACH);
    await bench.expectQuiet(primary, fallback);
  });

  it('shows it in KPIs, health and the next plan', async () => {
    const interrupted = Math.ceil(EACH / 2);
    const kpis = (await (await bench.fetch('/router/kpis')).json()) as Record<
      string,
      Record<string, unknown>
    >;
    expect(kpis.total).toMatchObject({
      requests: 2 * EACH,
      errors: interrupted,
      succeeded: 2 * EACH - interrupted,
    });
    expect(kpis.providers).toMatchObject({
      primary: { requests: 2 * EACH, errors: 2 * EACH, succeeded: 0, errorRate: 1 },
      fallback: { requests: 2 * EACH - interrupted, errors: 0, errorRate: 0 },
    });

    const answer = await bench.fetch('/health');
    // The router still serves: the pod stays.
    expect(answer.status).toBe(200);
    const health = (await answer.json()) as {
      details: Record<string, { status: string; trouble?: string[]; inFlight: number }>;
    };
    const [bad, good] = ['primary', 'fallback'].map((provider) =>
      Object.entries(health.details).find(([name]) => name.includes(provider)),
    );
    expect(bad?.[1]).toMatchObject({ status: 'degraded', inFlight: 0, lastErrorKind: 'connection' });
    expect(bad?.[1].trouble?.join()).toContain('failing (100 %');
    expect(good?.[1]).toMatchObject({ status: 'up', inFlight: 0 });
    expect((await bench.fetch('/health/ready')).status).toBe(200);

    bench.clear();
    const { response } = await bench.client.chat.completions
      .create({ model: 'begun', messages: [{ role: 'user', content: 'again' }] })
      .withResponse();
    // A primary known to be down is not asked first.
    expect(response.headers.get('x-llm-attempts')).toBe('1');
    expect(response.headers.get('x-llm-tier')).toBe('secondary');
  });

  it('still has the deferred primary when the fallback fails as well', async () => {
    await primary.heal();
    primary.setLatency({ timeToFirstTokenMs: 0, tokensPerSecond: Infinity });
    fallback.failAlways({ kind: 'refused' });
    const { data } = await bench.client.chat.completions
      .create({ model: 'begun', messages: [{ role: 'user', content: 'again' }] })
      .withResponse();
    expect(data.choices[0]?.message.content).toBe(TEXT);
  });
});
