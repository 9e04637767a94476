import { limitReply } from './default-reply.js';
import { createScriptedUpstream } from './scripted-upstream.js';
import type {
  ScriptedUpstream,
  ScriptedUpstreamOptions,
  UpstreamLatency,
  UpstreamRequest,
  UpstreamReply,
} from './scripted-upstream.interface.js';
import { SeededRandom } from './seeded-random.js';

const KEY = 'sandbox';
/** Enough to look at; a sandbox may run for days. */
const KEEP_REQUESTS = 100;
const JITTER = 0.15;

/** How a sandbox behaves. */
export interface SandboxOptions {
  /** Seeds ids, delays and the choice of words. @defaultValue 1 */
  readonly seed?: number;
  /** Multiplies every delay; 0 makes the answers come at once. @defaultValue 1 */
  readonly latencyScale?: number;
}

/** A router configuration that uses the sandbox's upstreams; plain JSON. */
export interface SandboxConfig {
  providers: Record<SandboxProvider, SandboxProviderConfig>;
  models: Record<string, SandboxModelConfig>;
  routingRules: Record<string, SandboxRuleConfig>;
  surfaces: Record<string, SandboxSurfaceConfig>;
  baseline: string;
}

export type SandboxProvider = 'openai' | 'anthropic' | 'gemini' | 'local';

export interface SandboxProviderConfig {
  api: 'openai' | 'anthropic' | 'gemini' | 'openai-compatible';
  baseUrl: string;
  apiKey: string;
}

export interface SandboxModelConfig {
  provider: string;
  upstreamModel: string;
  price: { inputPer1M: number; outputPer1M: number };
  contextWindow: number;
  maxOutputTokens: number;
  capabilities: ('streaming' | 'tools' | 'json_schema')[];
  quality: number;
}

export interface SandboxRuleConfig {
  primary: string | string[];
  fallback: string | string[];
  emergency: string;
  maxCostPer1k?: number;
}

export interface SandboxSurfaceConfig {
  qualityFloor?: number;
  workload: 'interactive' | 'background';
  latencySloMs?: number;
}

/** Local upstreams of every wire format, and a configuration that routes over them. */
export interface Sandbox {
  readonly upstreams: Readonly<Record<SandboxProvider, ScriptedUpstream>>;
  /** A copy of one's own, free to change before it is given to the router. */
  readonly config: SandboxConfig;
  /** Closes all upstreams. */
  close(): Promise<void>;
}

/**
 * Starts a sandbox: an OpenAI, an Anthropic, a Gemini and an OpenAI-compatible upstream on ports of their own, with
 * latencies like those of real models, and the article's tier table over them. Every answer says that it is simulated,
 * and by which model.
 *
 * @publicApi
 */
export async function createSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { seed = 1, latencyScale = 1 } = options;
  if (!(latencyScale >= 0 && Number.isFinite(latencyScale))) {
    throw new RangeError(`latencyScale must be 0 or more, but is ${latencyScale}`);
  }
  const started: ScriptedUpstream[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(started.map((upstream) => upstream.close()));
  };
  const start = async (provider: SandboxProvider, extra: Partial<ScriptedUpstreamOptions>) => {
    const random = new SeededRandom(seed + started.length);
    const upstream = await createScriptedUpstream({
      api: provider === 'local' ? 'openai' : provider,
      seed: seed + started.length,
      requireKey: KEY,
      keepRequests: KEEP_REQUESTS,
      latency: (model) => sandboxLatency(model, latencyScale),
      reply: (request) => sandboxReply(request, provider, random),
      ...extra,
    });
    started.push(upstream);
    return upstream;
  };
  try {
    const upstreams = {
      openai: await start('openai', {}),
      anthropic: await start('anthropic', {}),
      gemini: await start('gemini', {}),
      local: await start('local', { models: ['llama3.3'], allowUnknownFields: true }),
    };
    return { upstreams, config: sandboxConfig(upstreams), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Names of small models, which are quick, whoever makes them. */
const SMALL_MODEL = /(?<!ge)mini|nano|haiku|flash|lite|small|tiny|gpt-3\.5|llama|gemma|\b\d{1,2}b\b/i;

/** The same model is always about as fast; two of one kind differ a little. */
export function sandboxLatency(model: string, scale: number): UpstreamLatency {
  const own = new SeededRandom(Buffer.from(model).reduce((sum, byte) => (sum * 31 + byte) >>> 0, 7));
  const between = (low: number, high: number): number => low + (high - low) * own.next();
  const isSmall = SMALL_MODEL.test(model);
  const firstMs = isSmall ? between(250, 400) : between(700, 1100);
  const tokensPerSecond = isSmall ? between(80, 120) : between(30, 60);
  return {
    timeToFirstTokenMs: firstMs * scale,
    tokensPerSecond: scale === 0 ? Infinity : tokensPerSecond / scale,
    jitter: JITTER,
  };
}

const FILLERS = [
  'The words you read were prepared in advance, but they arrive over the same wire format as the real ones, in pieces and at a similar pace.',
  'Its time to the first token and its speed are modelled on what such a model usually shows, with some chance added.',
  'To see the router at work, make one of the upstreams slow or let it fail, and watch which model answers instead.',
  'Prices, quality floors and latency targets are applied to it exactly as they would be with real providers.',
  'Put real keys into the configuration, and the same request will be answered by the model itself.',
];

/** Left to the default reply: what must be a tool call, or JSON. */
function sandboxReply(
  request: UpstreamRequest,
  provider: SandboxProvider,
  random: SeededRandom,
): UpstreamReply | undefined {
  const { toolChoice } = request;
  if (request.outputFormat === 'json' || toolChoice === 'required' || typeof toolChoice === 'object') {
    return undefined;
  }
  const first = Math.floor(random.next() * FILLERS.length);
  const second = (first + 1 + Math.floor(random.next() * (FILLERS.length - 1))) % FILLERS.length;
  const text = [
    `This is a simulated answer from the sandbox: no real model was asked.`,
    `It stands in for ${request.model} at the provider "${provider}".`,
    FILLERS[first],
    FILLERS[second],
  ].join(' ');
  return limitReply(text, request.maxOutputTokens);
}

/** The article's tier table: GPT-4 Turbo and Claude Sonnet, then GPT-3.5 and Gemini Pro, then an open model. */
function sandboxConfig(upstreams: Sandbox['upstreams']): SandboxConfig {
  const provider = (name: SandboxProvider, api: SandboxProviderConfig['api']): SandboxProviderConfig => ({
    api,
    baseUrl: upstreams[name].baseUrl,
    apiKey: KEY,
  });
  return {
    providers: {
      openai: provider('openai', 'openai'),
      anthropic: provider('anthropic', 'anthropic'),
      gemini: provider('gemini', 'gemini'),
      local: provider('local', 'openai-compatible'),
    },
    models: {
      'llama-3.3-70b': {
        provider: 'local',
        upstreamModel: 'llama3.3',
        price: { inputPer1M: 0, outputPer1M: 0 },
        contextWindow: 131072,
        maxOutputTokens: 8192,
        capabilities: ['streaming', 'tools', 'json_schema'],
        quality: 0.62,
      },
    },
    routingRules: {
      simple_queries: {
        primary: 'gpt-3.5-turbo',
        fallback: 'claude-haiku',
        emergency: 'llama-3.3-70b',
        maxCostPer1k: 0.002,
      },
      complex_reasoning: {
        primary: ['gpt-4-turbo', 'claude-sonnet'],
        fallback: ['gpt-3.5-turbo', 'gemini-pro'],
        emergency: 'llama-3.3-70b',
      },
    },
    surfaces: {
      support: { qualityFloor: 0.5, workload: 'interactive', latencySloMs: 1500 },
      reports: { workload: 'background' },
    },
    baseline: 'gpt-4-turbo',
  };
}
