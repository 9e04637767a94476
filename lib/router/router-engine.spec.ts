import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Counter, Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LlmRouterConfiguration } from '../config/index.js';
import { ConfigurationError, OverloadedError } from '../errors/index.js';
import { ProviderUpstreams } from '../providers/provider-upstreams.js';
import { RouterEngine } from './router-engine.js';

function options(name: string) {
  return {
    providers: { [name]: { api: 'openai-compatible', baseUrl: 'http://127.0.0.1:1/v1' } },
    models: { model: { provider: name } },
    routingRules: { simple_queries: { primary: 'model' } },
  };
}

const neverRead = (): Promise<unknown> => new Promise(() => undefined);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});

afterEach(() => {
  vi.useRealTimers();
});

describe('a configuration that is never read', () => {
  it('is refused after 30 s, and holds up nobody for longer', async () => {
    const engine = new RouterEngine(options('first'));
    const before = engine.runtime.policy.hash;
    const stuck = engine.reconfigure(neverRead).catch((error: unknown) => error);
    const next = engine.reconfigure(() => options('second'));
    await vi.advanceTimersByTimeAsync(29_999);
    expect(engine.runtime.policy.hash).toBe(before);
    await vi.advanceTimersByTimeAsync(1);
    const refusal = await stuck;
    expect(refusal).toBeInstanceOf(ConfigurationError);
    expect(String(refusal)).toContain('could not be read within 30 s');
    await expect(next).resolves.toMatchObject({ previousHash: before, changed: true });
    await engine.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('does not hold up a shutdown', async () => {
    const engine = new RouterEngine(options('first'));
    const stuck = engine.reconfigure(neverRead).catch((error: unknown) => error);
    await engine.close();
    expect(await stuck).toBeInstanceOf(OverloadedError);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('a shutdown', () => {
  it('writes the last requests, though connections end in a fault', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'router-engine-'));
    const file = join(directory, 'requests.jsonl');
    class Faulty extends ProviderUpstreams {
      override connect(configuration: LlmRouterConfiguration) {
        return { ...super.connect(configuration), close: () => Promise.reject(new Error('no end')) };
      }
    }
    const engine = new RouterEngine({ ...options('first'), requestLog: { file } }, new Faulty());
    await expect(engine.pipeline.chat({ messages: [] })).rejects.toThrow();
    await expect(engine.close()).rejects.toThrow('no end');
    expect((await readFile(file, 'utf8')).trimEnd().split('\n')).toHaveLength(1);
    await rm(directory, { recursive: true });
  });
});

describe('a request', () => {
  it('begins under the workload it ends with, whatever that of its surface, and is not under way any more', async () => {
    vi.useRealTimers();
    const engine = new RouterEngine({
      ...options('first'),
      surfaces: { reports: { workload: 'background' }, support: {} },
    });
    const workloads: string[] = [];
    for (const name of ['request-started', 'request-ended'] as const) {
      engine.bus.on(name, ({ workload }) => workloads.push(workload));
    }
    const ask = { messages: [{ role: 'user', content: 'hi' }] };
    for (const [surface, workload] of [
      ['reports', 'interactive'],
      ['support', 'background'],
      ['reports', undefined],
    ] as const) {
      await engine.pipeline.chat(ask, { surface, workload }).catch(() => undefined);
    }
    expect(workloads).toEqual([
      ...['interactive', 'interactive'],
      ...['background', 'background'],
      ...['background', 'background'],
    ]);
    expect(engine.kpis.live.total().inFlight).toBe(0);
    expect(engine.kpis.live.row(['surface'], { surface: 'reports' }).inFlight).toBe(0);
    await engine.close();
  });
});

describe('the metrics', () => {
  it('are in the registry of a later reload, though an earlier one named one that they cannot be in', async () => {
    vi.useRealTimers();
    const engine = new RouterEngine(options('first'));
    const faulty = new Promise((resolve) => {
      engine.onFault = (part) => {
        resolve(part);
      };
    });
    const taken = new Registry();
    new Counter({ name: 'llm_router_sheds_total', help: 'Mine.', registers: [taken] });
    await engine.reconfigure(() => ({
      ...options('first'),
      observability: { metrics: { registry: taken } },
    }));
    expect(await faulty).toBe('metrics');
    const registry = new Registry();
    await engine.reconfigure(() => ({ ...options('first'), observability: { metrics: { registry } } }));
    await vi.waitFor(() => {
      expect(registry.getSingleMetric('llm_router_requests_total')).toBeDefined();
    });
    await engine.close();
  });
});
