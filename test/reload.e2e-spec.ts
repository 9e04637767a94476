import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, it } from 'vitest';
import {
  ConfigurationError,
  LlmProviderHealthIndicator,
  LlmRouterModule,
  type LlmRouterOptions,
  LlmUpstreams,
  OverloadedError,
  RouterService,
  Surface,
} from 'nestjs-llm-router';
import { createScriptedUpstream, LlmRouterTesting, type ScriptedUpstream } from 'nestjs-llm-router/testing';
import { collectGarbage } from './support/collect-garbage.js';
import { createFaultBench, type FaultBench, readStream, whenBegun } from './support/fault-bench.js';
import { HeldUpstream } from './support/held-upstream.js';
import { LogCollector } from './support/log-collector.js';
import { PLATFORMS } from './support/router-app.js';

const QUESTION = { messages: [{ role: 'user' as const, content: 'What is the capital of France?' }] };
const ASK = { model: 'auto', ...QUESTION };

const closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

function optionsOver(upstream: { readonly baseUrl: string }, extra: LlmRouterOptions = {}): LlmRouterOptions {
  return {
    providers: { one: { api: 'openai', baseUrl: upstream.baseUrl, apiKey: 'sk-upstream' } },
    routingRules: { simple_queries: { primary: 'gpt-4o-mini' } },
    ...extra,
  };
}

/** An upstream whose answers say its name. */
async function upstreamCalled(name: string): Promise<ScriptedUpstream> {
  const upstream = await createScriptedUpstream({
    api: 'openai',
    reply: () => ({ text: `I am ${name} and I say so` }),
  });
  closing.push(() => upstream.close());
  return upstream;
}

async function heldUpstream(): Promise<HeldUpstream> {
  const upstream = await HeldUpstream.start();
  closing.push(() => upstream.close());
  return upstream;
}

interface Bench extends FaultBench {
  readonly router: RouterService;
  readonly logs: LogCollector;
}

async function bench(
  options: LlmRouterOptions,
  setup: Partial<Parameters<typeof createFaultBench>[0]> = {},
): Promise<Bench> {
  const logs = new LogCollector();
  const made = await createFaultBench({ platform: 'express', options, logger: logs, ...setup });
  closing.push(() => made.close());
  return { ...made, logs, router: made.app.get(RouterService) };
}

async function refusalOf(work: Promise<unknown>): Promise<ConfigurationError> {
  const thrown: unknown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(thrown instanceof ConfigurationError)) throw new Error(`not refused: ${String(thrown)}`);
  return thrown;
}

describe('reconfigure', () => {
  it('gives the hashes and the warnings, logs both, and says whether anything changed', async () => {
    const upstream = await upstreamCalled('one');
    const { router, logs } = await bench(optionsOver(upstream));
    const { policyHash } = router.explain(ASK);
    const surfaces = { support: { qualityFloor: 'gpt-4o-mini' } };
    const report = await router.reconfigure(
      optionsOver(upstream, { surfaces, models: { odd: { provider: 'one', contextWindow: 100 } } }),
    );
    expect(report).toMatchObject({ previousHash: policyHash, changed: true });
    expect(report.hash).not.toBe(policyHash);
    expect(router.explain(ASK, { surface: 'support' }).policyHash).toBe(report.hash);
    expect(logs.lines).toContainEqual(
      expect.stringMatching(new RegExp(`^Reconfigured: policy ${report.hash}.*${policyHash}`)),
    );
    for (const { message } of report.warnings) expect(logs.warnings.join('\n')).toContain(message);

    // What is left out has its default again.
    const back = await router.reconfigure(optionsOver(upstream));
    expect(back).toMatchObject({ hash: policyHash, previousHash: report.hash, changed: true });
    expect(await router.reconfigure(optionsOver(upstream))).toMatchObject({
      hash: policyHash,
      changed: false,
    });
    expect(() => router.explain(ASK, { surface: 'support' })).toThrow(/names no configured surface/);
  });

  it('takes a changed key for a change, whose hash stays', async () => {
    const upstream = await createScriptedUpstream({ api: 'openai', requireKey: 'sk-new' });
    closing.push(() => upstream.close());
    const { router } = await bench(optionsOver(upstream));
    await expect(router.chat(QUESTION)).rejects.toThrow();
    const providers = { one: { api: 'openai' as const, baseUrl: upstream.baseUrl, apiKey: 'sk-new' } };
    const report = await router.reconfigure(optionsOver(upstream, { providers }));
    expect(report).toMatchObject({ changed: true });
    expect(report.hash).toBe(report.previousHash);
    await expect(router.chat(QUESTION)).resolves.toMatchObject({ object: 'chat.completion' });
  });

  it('changes nothing for a bad configuration and says every problem, but no secret', async () => {
    const upstream = await upstreamCalled('one');
    process.env.RELOAD_TEST_SECRET = 'sk-very-secret-indeed';
    closing.push(() => Promise.resolve(delete process.env.RELOAD_TEST_SECRET));
    const { router, logs, engine } = await bench(optionsOver(upstream));
    const before = engine.runtime;
    const error = await refusalOf(
      router.reconfigure({
        providers: { one: { api: 'openai', baseUrl: '${RELOAD_TEST_SECRET}', apiKey: 'sk-literal-secret' } },
        routingRules: { simple_queries: { primary: 'gpt-4o-mimi' } },
        limits: { bodyBytes: -1 },
      }),
    );
    expect(error.issues.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['providers.one.baseUrl', 'limits.bodyBytes']),
    );
    expect(engine.runtime).toBe(before);
    const warning = logs.warnings.find((line) => line.startsWith('Not reconfigured'));
    expect(warning).toContain(`policy ${before.policy.hash} stays in force`);
    for (const { message } of error.issues) expect(warning).toContain(message);
    expect([error.message, ...logs.lines].join('\n')).not.toMatch(/sk-(very|literal)/);
    expect((await router.chat(QUESTION)).choices[0]?.message.content).toContain('I am one');
  });

  it('refuses what is fixed at the boot by its name', async () => {
    const upstream = await upstreamCalled('one');
    const { router } = await bench(optionsOver(upstream));
    const error = await refusalOf(
      router.reconfigure({ ...optionsOver(upstream), handlerMetrics: true } as LlmRouterOptions),
    );
    expect(error.issues).toMatchObject([{ path: 'handlerMetrics' }]);
  });

  it('refuses a certificate file that is not there, and stays on the old connections', async () => {
    const upstream = await upstreamCalled('one');
    const { router } = await bench(optionsOver(upstream));
    const providers = {
      one: { api: 'openai' as const, baseUrl: 'https://127.0.0.1:1/v1', apiKey: 'k', caFile: '/nowhere.pem' },
    };
    await refusalOf(router.reconfigure(optionsOver(upstream, { providers })));
    await expect(router.chat(QUESTION)).resolves.toBeDefined();
  });

  it('serves several one after the other: the last one stays', async () => {
    const [one, two, three] = [
      await upstreamCalled('one'),
      await upstreamCalled('two'),
      await upstreamCalled('three'),
    ];
    const { router, engine } = await bench(optionsOver(one));
    const first = router.reconfigure(optionsOver(two));
    const bad = router.reconfigure({ nonsense: true } as LlmRouterOptions);
    const last = router.reconfigure(optionsOver(three));
    await expect(bad).rejects.toThrow(ConfigurationError);
    const reports = await Promise.all([first, last]);
    expect(reports[1].previousHash).toBe(reports[0].hash);
    expect(engine.runtime.policy.hash).toBe(reports[1].hash);
    expect((await router.chat(QUESTION)).choices[0]?.message.content).toContain('I am three');
  });

  it('is refused once the application shuts down', async () => {
    const upstream = await upstreamCalled('one');
    const { router, engine, close } = await bench(optionsOver(upstream));
    const before = engine.runtime;
    const running = router.reconfigure(optionsOver(upstream, { strict: false, limits: { messages: 5 } }));
    engine.markStopping();
    await expect(running).rejects.toThrow(OverloadedError);
    await expect(router.reconfigure(optionsOver(upstream))).rejects.toThrow(OverloadedError);
    expect(engine.runtime).toBe(before);
    await close();
  });

  it('keeps the surfaces of features, and refuses a configuration that lacks what a @Surface names', async () => {
    @Injectable()
    class Support {
      @Surface('support')
      answer(): void {
        // Its name alone counts.
      }
    }
    const upstream = await upstreamCalled('one');
    const root = optionsOver(upstream, { surfaces: { support: {} } });
    const logs = new LogCollector();
    const made = await createFaultBench({
      platform: 'express',
      options: root,
      logger: logs,
      providers: [Support],
    });
    closing.push(() => made.close());
    const router = made.app.get(RouterService);
    const error = await refusalOf(router.reconfigure(optionsOver(upstream, { surfaces: { suport: {} } })));
    expect(error.issues).toMatchObject([{ path: '@Surface on Support.answer' }]);
    expect(error.message).toContain('Did you mean "suport"');
    expect(router.explain(ASK, { surface: 'support' }).surface).toBe('support');
    // Floors that no model passes are refused as at the boot, too.
    await refusalOf(
      router.reconfigure(optionsOver(upstream, { surfaces: { support: { safetyFloor: 0.9 } } })),
    );

    const module = await Test.createTestingModule({
      imports: [
        LlmRouterModule.forRoot({ ...optionsOver(upstream), isGlobal: true }),
        LlmRouterModule.forFeature({ surfaces: { reports: { workload: 'background' } } }),
      ],
    }).compile();
    await module.init();
    closing.push(() => module.close());
    const withFeature = module.get(RouterService);
    await withFeature.reconfigure(optionsOver(upstream, { surfaces: { chat: {} } }));
    expect(withFeature.explain(ASK, { surface: 'reports' }).workload).toBe('background');
    const twice = await refusalOf(
      withFeature.reconfigure(optionsOver(upstream, { surfaces: { reports: {} } })),
    );
    expect(twice.issues).toMatchObject([{ path: 'surfaces.reports' }]);
  });
});

describe('a swap under load', () => {
  it('loses none of 200 running requests: they end on the old policy, new ones begin on the new', async () => {
    const [old, young] = [await heldUpstream(), await upstreamCalled('young')];
    const { router, url, engine, requests, whenEnded, expectQuiet } = await bench(
      optionsOver(old, { surfaces: { support: {} } }),
    );
    const whole = Array.from({ length: 100 }, () => router.chat(QUESTION, { surface: 'support' }));
    const streams = Array.from({ length: 100 }, () => readStream(url, ASK, { 'x-llm-surface': 'support' }));
    await old.whenWaiting(200);
    const { hash, previousHash } = await router.reconfigure(optionsOver(young, { surfaces: { sales: {} } }));
    expect(hash).not.toBe(previousHash);
    expect(engine.pipeline.inFlight).toBe(200);
    // The old surface is gone at once, for whoever comes now.
    await expect(router.chat(QUESTION, { surface: 'support' })).rejects.toThrow(
      /names no configured surface/,
    );
    const fresh = await Promise.all(
      Array.from({ length: 50 }, () => router.chat(QUESTION, { surface: 'sales' })),
    );
    for (const { choices } of fresh) expect(choices[0]?.message.content).toContain('I am young');

    expect(engine.pipeline.inFlight).toBe(200);
    old.finishAll();
    for (const { choices } of await Promise.all(whole)) {
      expect(choices[0]?.message.content).toBe('held and let go');
    }
    for (const { text: said, error, raw } of await Promise.all(streams)) {
      expect(error).toBeUndefined();
      expect(said).toBe('held and let go');
      expect(raw).toContain('[DONE]');
    }
    await whenEnded(251);
    expect(requests.filter(({ outcome }) => outcome === 'succeeded')).toHaveLength(250);
    expect(young.requestCount).toBe(50);
    await expectQuiet(young);
  });

  it.each(['undici', 'http'] as const)(
    'closes old connections over %s only after the last stream on them has ended',
    async (httpAdapter) => {
      const held = await heldUpstream();
      const young = await upstreamCalled('young');
      const { router, url } = await bench(optionsOver(held, { execution: { httpAdapter } }));
      const streams = [readStream(url, ASK), readStream(url, ASK)];
      await held.whenWaiting(2);
      const [first] = held.sockets;
      expect(held.sockets.size).toBe(2);

      await router.reconfigure(optionsOver(young, { execution: { httpAdapter } }));
      await router.chat(QUESTION);
      held.finishOne();
      await Promise.race(streams);
      // One of them has ended: the other's connection, and its own spare one, are let be.
      await nextTurn();
      expect(held.sockets.size).toBe(2);
      const gone = Promise.all([...held.sockets].map((socket) => once(socket, 'close')));
      held.finishOne();
      for (const { text, error } of await Promise.all(streams)) {
        expect(error).toBeUndefined();
        expect(text).toBe('held and let go');
      }
      await gone;
      expect(first?.destroyed).toBe(true);
      expect(held.sockets.size).toBe(0);
    },
  );

  it('ends a retired stream with the shutdown, and its connection', async () => {
    const held = await heldUpstream();
    const young = await upstreamCalled('young');
    const { router, engine, url, close } = await bench(optionsOver(held));
    const begun = whenBegun(engine, 1);
    const stream = readStream(url, ASK);
    await begun;
    await router.reconfigure(optionsOver(young, { shutdown: { graceMs: 0 } }));
    const gone = Promise.all([...held.sockets].map((socket) => once(socket, 'close')));
    await close();
    expect((await stream).error).toMatchObject({ code: 'stream_interrupted' });
    await gone;
  });
});

describe.each(PLATFORMS)('what HTTP keeps of the configuration, on %s', (platform) => {
  it('is the keys of now', async () => {
    const upstream = await upstreamCalled('one');
    const withKeys = (...apiKeys: NonNullable<NonNullable<LlmRouterOptions['http']>['apiKeys']>) =>
      optionsOver(upstream, { surfaces: { support: {}, sales: {} }, http: { apiKeys } });
    const { router, postJson, fetch } = await bench(withKeys({ key: 'old-key-0123456789' }), { platform });
    const ask = async (key: string): Promise<number> =>
      (await postJson('/v1/chat/completions', ASK, { authorization: `Bearer ${key}` })).status;
    expect(await ask('old-key-0123456789')).toBe(200);
    expect(await ask('new-key-0123456789')).toBe(401);
    const report = await router.reconfigure(
      withKeys({ key: 'new-key-0123456789' }, { key: 'sales-key-0123456789', surfaces: ['sales'] }),
    );
    expect(report.changed).toBe(true);
    expect(await ask('old-key-0123456789')).toBe(401);
    expect(await ask('new-key-0123456789')).toBe(200);
    const refused = await postJson('/v1/chat/completions', ASK, {
      authorization: 'Bearer sales-key-0123456789',
      'x-llm-surface': 'support',
    });
    expect(refused.status).toBe(403);
    expect(
      (await fetch('/metrics', { headers: { authorization: 'Bearer new-key-0123456789' } })).status,
    ).toBe(403);
    await router.reconfigure({
      ...withKeys({ key: 'new-key-0123456789' }),
      http: { apiKeys: [{ key: 'k-0123456789abcdef' }], publicMetrics: true },
    });
    expect((await fetch('/metrics')).status).toBe(200);
  });

  it('is the limit of bodies and the list of models of now', async () => {
    const upstream = await upstreamCalled('one');
    const { router, postJson, client } = await bench(optionsOver(upstream), { platform });
    const long = { model: 'auto', messages: [{ role: 'user', content: 'x'.repeat(5_000) }] };
    expect((await postJson('/v1/chat/completions', long)).status).toBe(200);
    await router.reconfigure(
      optionsOver(upstream, { limits: { bodyBytes: 2_000 }, models: { mine: { provider: 'one' } } }),
    );
    expect((await postJson('/v1/chat/completions', long)).status).toBe(413);
    expect((await client.models.list()).data.map(({ id }) => id)).toContain('mine');
  });

  it('is asked anew of a caller whose body was still on its way', async () => {
    const upstream = await upstreamCalled('one');
    const keyed = (key: string): LlmRouterOptions => optionsOver(upstream, { http: { apiKeys: [{ key }] } });
    const { router, url } = await bench(keyed('old-key-0123456789'), { platform });
    const { request } = await import('node:http');
    const asked = JSON.stringify(ASK);
    const slow = request(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(asked),
        authorization: 'Bearer old-key-0123456789',
        expect: '100-continue',
      },
    });
    const answered = once(slow, 'response') as Promise<[{ statusCode: number; resume(): void }]>;
    // Node's server says so when it hands the request on: the caller has been identified by then.
    await once(slow, 'continue');
    slow.write(asked.slice(0, 10));
    await nextTurn();
    await router.reconfigure(keyed('new-key-0123456789'));
    slow.end(asked.slice(10));
    const [response] = await answered;
    response.resume();
    expect(response.statusCode).toBe(401);
  });
});

describe('what the router has learnt', () => {
  it('survives for deployments that stay, and goes with those that go', async () => {
    const [one, two] = [await upstreamCalled('one'), await upstreamCalled('two')];
    const both = (extra: LlmRouterOptions = {}): LlmRouterOptions => ({
      providers: {
        one: { api: 'openai', baseUrl: one.baseUrl, apiKey: 'k' },
        two: { api: 'openai', baseUrl: two.baseUrl, apiKey: 'k' },
      },
      models: { alpha: { provider: 'one' }, beta: { provider: 'two' } },
      routingRules: { simple_queries: { primary: 'alpha', fallback: 'beta' } },
      alerts: {
        minRequests: 5,
        errorRate: 0.1,
        windowMs: 60_000,
        ignore: ['unknown_price', 'unknown_model', 'breaker_open'],
      },
      surfaces: { support: {} },
      ...extra,
    });
    const { router, engine, logs, app } = await bench(both());
    one.failAlways({ kind: 'status', status: 500 });
    for (let count = 0; count < 8; count += 1) await router.chat(QUESTION, { surface: 'support' });
    expect(engine.signals.of('one/alpha').samples).toBeGreaterThan(0);
    expect(engine.signals.of('two/beta').samples).toBe(8);
    expect(router.alerts().active).toMatchObject([{ subject: { deployment: 'one/alpha' } }]);
    expect(engine.signals.of('one/alpha').inAlert).toBe(true);

    // As it was, but for a limit: everything stays.
    await router.reconfigure(both({ limits: { messages: 100 } }));
    expect(engine.signals.of('one/alpha').inAlert).toBe(true);
    expect(engine.signals.of('two/beta').samples).toBe(8);
    expect(router.alerts().active).toMatchObject([{ subject: { deployment: 'one/alpha' }, threshold: 0.1 }]);

    // Another provider of another name.
    await router.reconfigure({
      ...both(),
      providers: { two: { api: 'openai', baseUrl: two.baseUrl, apiKey: 'k' } },
      models: { beta: { provider: 'two' } },
      routingRules: { simple_queries: { primary: 'beta' } },
    });
    expect(engine.signals.of('one/alpha')).toMatchObject({ samples: 0, inAlert: false });
    expect(engine.signals.of('two/beta').samples).toBe(8);
    expect(router.alerts().active).toEqual([]);
    expect(router.alerts().recent).toMatchObject([{ subject: { deployment: 'one/alpha' } }]);
    expect(logs.lines.filter((line) => line.startsWith('Alert cleared'))).toHaveLength(1);
    expect(app.get(LlmProviderHealthIndicator, { strict: false }).names()).toEqual(['two']);
    // What was counted since the start is history, and stays.
    expect(router.savings().models).toHaveProperty('alpha');
  });

  it('is kept of a deployment that is gone for as long as a request of it runs', async () => {
    const [old, young] = [await heldUpstream(), await upstreamCalled('young')];
    const { router, url, engine, whenEnded } = await bench({
      providers: { old: { api: 'openai', baseUrl: old.baseUrl, apiKey: 'k' } },
      models: { alpha: { provider: 'old' } },
      routingRules: { simple_queries: { primary: 'alpha' } },
    });
    const stream = readStream(url, ASK);
    await old.whenWaiting(1);
    for (let count = 0; count < 3; count += 1) await router.reconfigure(optionsOver(young));
    expect(engine.signals.of('old/alpha').inFlight).toBe(1);
    old.finishOne();
    expect((await stream).error).toBeUndefined();
    await whenEnded(1);
    await nextTurn();
    expect(engine.signals.of('old/alpha')).toMatchObject({
      inFlight: 0,
      samples: 0,
      lastSuccessAtMs: undefined,
    });
    // Without a price: told of as such, although the policy of now does not know it.
    expect(router.savings()).toMatchObject({ calls: 0, unpriced: { calls: 1 } });
  });

  it('counts savings anew where the baseline changes, and switches what it keeps of answers', async () => {
    const upstream = await upstreamCalled('one');
    const { router, engine } = await bench(optionsOver(upstream, { baseline: 'gpt-4o' }));
    await router.chat(QUESTION);
    expect(router.savings()).toMatchObject({ baseline: 'gpt-4o', calls: 1 });
    const { responseItems } = engine;
    await router.reconfigure(
      optionsOver(upstream, { baseline: 'gpt-4o', reasoningMemory: { maxEntries: 10 } }),
    );
    expect(router.savings().calls).toBe(1);
    expect(engine.responseItems).toBe(responseItems);
    await router.reconfigure(
      optionsOver(upstream, { baseline: 'gpt-4.1', reasoningMemory: { enabled: false } }),
    );
    expect(router.savings()).toMatchObject({ baseline: 'gpt-4.1', calls: 0, spentUsd: 0 });
    expect(engine.responseItems).toBeUndefined();
    await router.chat(QUESTION);
    expect(router.savings()).toMatchObject({ requests: 1, calls: 1 });
  });

  it('asks the providers of now, where probes are on', async () => {
    const asked: string[] = [];
    const serverCalled = async (
      name: string,
    ): Promise<{ baseUrl: string; whenAsked(): Promise<unknown> }> => {
      const server = createServer((request, response) => {
        asked.push(`${name} ${request.url ?? ''}`);
        response.setHeader('content-type', 'application/json').end('{"object":"list","data":[]}');
        server.emit('asked');
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      closing.push(async () => {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      });
      const { port } = server.address() as AddressInfo;
      return { baseUrl: `http://127.0.0.1:${port}/v1`, whenAsked: () => once(server, 'asked') };
    };
    const [one, two] = [await serverCalled('one'), await serverCalled('two')];
    const probing = { health: { probe: { enabled: true, intervalMs: 1_000_000 } } };
    const { router } = await bench(optionsOver(one));
    const first = one.whenAsked();
    await router.reconfigure(optionsOver(one, probing));
    await first;
    const second = two.whenAsked();
    await router.reconfigure(optionsOver(two, probing));
    await second;
    await router.reconfigure(optionsOver(one));
    expect(asked).toEqual(['one /v1/models', 'two /v1/models']);
  });
});

describe('500 reconfigurations', () => {
  it('leave neither memory nor handles behind', { timeout: 120_000 }, async () => {
    const upstream = await upstreamCalled('one');
    const { router, engine, app } = await bench(optionsOver(upstream), { logger: new LogCollector() });
    const reload = async (from: number, to: number): Promise<void> => {
      for (let count = from; count < to; count += 1) {
        const models = { [`model-${count}`]: { provider: `p-${count}` } };
        await router.reconfigure({
          providers: { [`p-${count}`]: { api: 'openai', baseUrl: upstream.baseUrl, apiKey: 'k' } },
          models,
          routingRules: { simple_queries: { primary: `model-${count}` } },
          surfaces: { [`surface-${count}`]: { latencySloMs: 1_000 } },
        });
        // Every tenth is called, so that there is something to forget and a connection to close.
        if (count % 10 === 0) await router.chat(QUESTION, { surface: `surface-${count}` });
      }
    };
    const settle = async (): Promise<number> => {
      for (let count = 0; count < 5; count += 1) await nextTurn();
      collectGarbage();
      return process.memoryUsage().heapUsed;
    };
    await reload(0, 100);
    const heapBefore = await settle();
    const handlesBefore = process.getActiveResourcesInfo().length;
    await reload(100, 600);
    const heapAfter = await settle();
    const handlesAfter = process.getActiveResourcesInfo().length;
    const grownBytes = heapAfter - heapBefore;
    process.stdout.write(
      `500 reconfigurations: heap ${(heapBefore / 1e6).toFixed(1)} -> ${(heapAfter / 1e6).toFixed(1)} MB, ` +
        `handles ${handlesBefore} -> ${handlesAfter}\n`,
    );
    expect(handlesAfter).toBeLessThanOrEqual(handlesBefore + 3);
    // 50 deployments were called: their KPIs stay, a few kilobytes each.
    expect(grownBytes).toBeLessThan(4e6);
    expect(engine.signals.of('p-100/model-100').samples).toBe(0);
    expect(engine.signals.of('p-590/model-590').samples).toBe(0);
    expect(app.get(LlmProviderHealthIndicator, { strict: false }).names()).toEqual(['p-599']);
  });
});

describe('a scripted router', () => {
  it('is reconfigured like a real one', async () => {
    const llm = new LlmRouterTesting();
    const options = (primary: string): LlmRouterOptions => ({
      providers: {
        openai: { api: 'openai', apiKey: '${ANY_KEY}' },
        anthropic: { api: 'anthropic', apiKey: '${ANY_KEY}' },
      },
      routingRules: { simple_queries: { primary } },
    });
    const module = await Test.createTestingModule({
      imports: [LlmRouterModule.forRoot({ ...options('gpt-4o-mini'), isGlobal: true })],
    })
      .overrideProvider(LlmUpstreams)
      .useValue(llm)
      .compile();
    await module.init();
    const router = module.get(RouterService);
    llm.model('gpt-4o-mini').reply('old');
    llm.model('claude-haiku').reply('young');
    expect((await router.chat(QUESTION)).choices[0]?.message.content).toBe('old');
    for (let count = 0; count < 5; count += 1) {
      await router.reconfigure(options('claude-haiku'));
      await refusalOf(router.reconfigure({ nonsense: 1 } as LlmRouterOptions));
    }
    expect((await router.chat(QUESTION)).choices[0]?.message.content).toBe('young');
    llm.expectRouted({ model: 'claude-haiku', times: 1 });
    expect(llm.requests).toHaveLength(2);
    expect(llm.calls).toHaveLength(2);
    await module.close();
  });
});
