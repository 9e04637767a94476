import type { LlmRouterOptions, ProviderOptions } from 'nestjs-llm-router';
import {
  createScriptedUpstream,
  type ScriptedUpstream,
  type ScriptedUpstreamOptions,
} from 'nestjs-llm-router/testing';
import { createFaultBench, type FaultBench } from './fault-bench.js';
import type { Platform } from './router-app.js';

export interface SceneOptions<Name extends string> {
  /** @defaultValue 'express' */
  readonly platform?: Platform;
  readonly upstreams: Readonly<Record<Name, ScriptedUpstreamOptions>>;
  /** Models beside one of each upstream's name. */
  readonly models?: NonNullable<LlmRouterOptions['models']>;
  /** Providers elsewhere, with a model of the same name for each. */
  readonly others?: Readonly<Record<string, ProviderOptions>>;
  /** What each upstream's provider has beside address and key. */
  readonly providers?: Partial<Record<Name, Partial<ProviderOptions>>>;
  readonly options: Omit<LlmRouterOptions, 'providers' | 'models'>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Of the answer, whole or in pieces. */
  readonly text: string;
  /** As it came. */
  readonly raw: string;
  /** Of an error. */
  readonly code: string | undefined;
  readonly tookMs: number;
}

/** A router over scripted upstreams: a provider and a model of the same name for each. */
export interface Scene<Name extends string> extends FaultBench {
  readonly upstreams: Readonly<Record<Name, ScriptedUpstream>>;
  /**
   * Resolves when the answer is read to its end, and its record told.
   *
   * @param rule - or a model, or `auto`
   */
  ask(rule: string, more?: AskOptions): Promise<Answer>;
  /** Calls of all upstreams, or of one, since the start. */
  calls(name?: Name): number;
}

export interface AskOptions {
  readonly stream?: boolean;
  readonly headers?: Record<string, string>;
  readonly body?: object;
}

export async function createScene<Name extends string>(setup: SceneOptions<Name>): Promise<Scene<Name>> {
  const names = Object.keys(setup.upstreams) as Name[];
  const started = await Promise.all(
    names.map(async (name) => [name, await createScriptedUpstream(setup.upstreams[name])] as const),
  );
  const upstreams = Object.fromEntries(started) as Record<Name, ScriptedUpstream>;
  const bench = await createFaultBench({
    platform: setup.platform ?? 'express',
    options: {
      ...setup.options,
      providers: {
        ...setup.others,
        ...Object.fromEntries(
          started.map(([name, { api, baseUrl }]) => {
            const own = setup.providers?.[name] ?? {};
            const key = own.apiKeys === undefined ? { apiKey: `key-of-${name}` } : {};
            return [name, { api, baseUrl, ...key, ...own }];
          }),
        ),
      },
      models: {
        ...Object.fromEntries(
          [...names, ...Object.keys(setup.others ?? {})].map((name) => [name, { provider: name }]),
        ),
        ...setup.models,
      },
    },
  });
  const ended = new Map<string, () => void>();
  const isEnded = new Set<string>();
  bench.engine.bus.on('request-ended', ({ decisionId }) => {
    isEnded.add(decisionId);
    ended.get(decisionId)?.();
  });
  /** The last byte of a stream may be read before its record is told. */
  const whenRecorded = async (decisionId: string | null): Promise<void> => {
    if (decisionId === null || isEnded.has(decisionId)) return;
    await new Promise<void>((resolve) => ended.set(decisionId, resolve));
  };
  return {
    ...bench,
    upstreams,
    ask: async (rule, { stream = false, headers = {}, body = {} } = {}) => {
      const startedAt = performance.now();
      const response = await bench.fetch('/v1/chat/completions', {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({
          model: rule,
          messages: [{ role: 'user', content: 'Say it' }],
          stream,
          ...body,
        }),
      });
      const raw = await response.text();
      const tookMs = performance.now() - startedAt;
      await whenRecorded(response.headers.get('x-llm-decision-id'));
      return {
        status: response.status,
        headers: response.headers,
        ...readAnswer(raw),
        raw,
        tookMs,
      };
    },
    calls: (name) =>
      (name === undefined ? names : [name]).reduce((sum, one) => sum + upstreams[one].requestCount, 0),
    close: async () => {
      await bench.close();
      await Promise.all(started.map(([, upstream]) => upstream.close()));
    },
  };
}

interface Body {
  readonly choices?: readonly {
    readonly message?: { readonly content?: string | null };
    readonly delta?: { readonly content?: string | null };
  }[];
  readonly error?: { readonly code: string };
}

function readAnswer(raw: string): { text: string; code: string | undefined } {
  const events = raw.startsWith('data: ')
    ? raw
        .split('\n\n')
        .filter((event) => event.startsWith('data: {'))
        .map((event) => event.slice('data: '.length))
    : [raw];
  const bodies = events.map((event) => JSON.parse(event) as Body);
  const pieces = bodies.flatMap(({ choices = [] }) => choices);
  return {
    text: pieces.map(({ message, delta }) => (message ?? delta)?.content ?? '').join(''),
    code: bodies.at(-1)?.error?.code,
  };
}
