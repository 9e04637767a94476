// The three providers of the world: scripted upstreams with the spread, the limits and the queues of real ones.
import { createScriptedUpstream } from 'nestjs-llm-router/testing';
import { Random } from './random.mjs';
import { wishesOf } from './spoken.mjs';

/** Names in the order of the cascade. */
export const PROVIDERS = ['primary', 'secondary', 'tertiary'];

const MAKE = {
  primary: { api: 'openai', firstTokenMs: 350, capacity: 20 },
  secondary: { api: 'anthropic', firstTokenMs: 500, capacity: 16 },
  tertiary: { api: 'gemini', firstTokenMs: 650, capacity: 16 },
};
const FIRST_TOKEN_SIGMA = 0.35;
const TOKENS_PER_SECOND = [60, 120];
/** Who would wait behind more than this many is sent away. */
const QUEUE_LENGTH = 40;
const WHEN_FULL = { kind: 'status', status: 429, retryAfterSeconds: 1 };

export const totalCapacity = PROVIDERS.reduce((sum, name) => sum + MAKE[name].capacity, 0);

/** How long a call takes on average, in seconds, where nobody waits: what a load is reckoned from. */
export function meanServiceSeconds(arrivals) {
  const tokens = arrivals.reduce((sum, { answerTokens }) => sum + answerTokens, 0) / arrivals.length;
  return (
    0.5 +
    (tokens * Math.log(TOKENS_PER_SECOND[1] / TOKENS_PER_SECOND[0])) /
      (TOKENS_PER_SECOND[1] - TOKENS_PER_SECOND[0])
  );
}

/** One provider, and the ways to make its life hard. */
export class Provider {
  /** Multiplies the time to first token and divides the speed. */
  slowness = 1;
  #random;

  constructor(name, upstream, random) {
    this.name = name;
    this.upstream = upstream;
    this.#random = random;
  }

  /** @returns {import('nestjs-llm-router/testing').UpstreamLatency} of one call */
  latency() {
    return {
      timeToFirstTokenMs:
        MAKE[this.name].firstTokenMs * this.#random.factor(FIRST_TOKEN_SIGMA) * this.slowness,
      tokensPerSecond: this.#random.between(...TOKENS_PER_SECOND) / this.slowness,
    };
  }

  /** @param {((request: object) => object | undefined) | undefined} script */
  fail(script) {
    this.upstream.setFaults(script);
  }

  refuse() {
    this.upstream.failAlways({ kind: 'refused' });
  }

  async recover() {
    this.slowness = 1;
    await this.upstream.heal();
  }
}

/**
 * @param {import('./spoken.mjs').Spoken} spoken
 * @param {{ seed: number | string, oneWire?: boolean, hasCapacity?: boolean, keepRequests?: number }} options oneWire: all of them speak OpenAI's
 */
export async function startProviders(
  spoken,
  { seed, oneWire = false, hasCapacity = true, keepRequests = 100_000 },
) {
  const providers = {};
  for (const name of PROVIDERS) {
    const upstream = await createScriptedUpstream({
      api: oneWire ? 'openai' : MAKE[name].api,
      seed: PROVIDERS.indexOf(name) + 1,
      keepRequests,
      latency: () => providers[name].latency(),
      reply: ({ lastUserText }) => {
        const wishes = wishesOf(lastUserText);
        return {
          text: spoken.say(name, wishes),
          usage: { promptTokens: Math.ceil(lastUserText.length / 4), completionTokens: wishes.answerTokens },
        };
      },
    });
    if (hasCapacity)
      upstream.setCapacity?.({ concurrency: MAKE[name].capacity, queue: QUEUE_LENGTH, whenFull: WHEN_FULL });
    providers[name] = new Provider(name, upstream, new Random(`${seed} ${name}`));
  }
  return providers;
}

export function configFor(providers, shape, { deadlineMs, execution = {}, isCapacityKnown = false }) {
  const model = (provider, index) => ({
    provider,
    upstreamModel: `world-${provider}`,
    price: { inputPer1M: 0.5 + index / 10, outputPer1M: 1.5 + index / 10 },
    contextWindow: 128_000,
    maxOutputTokens: 8_192,
    capabilities: ['streaming', 'tools'],
    quality: 0.6,
    ...(isCapacityKnown ? { maxConcurrency: MAKE[provider].capacity } : {}),
  });
  return {
    providers: Object.fromEntries(
      PROVIDERS.map((name) => [
        name,
        {
          api: providers[name].upstream.api,
          baseUrl: providers[name].upstream.baseUrl,
          apiKey: `key of ${name}`,
        },
      ]),
    ),
    models: Object.fromEntries(PROVIDERS.map((name, index) => [`${name}-model`, model(name, index)])),
    routingRules: {
      world:
        shape === 'pool'
          ? { primary: PROVIDERS.map((name) => `${name}-model`) }
          : { primary: 'primary-model', fallback: 'secondary-model', emergency: 'tertiary-model' },
    },
    surfaces: {
      chat: { workload: 'interactive', latencySloMs: 1_500 },
      whole: { workload: 'interactive' },
      background: { workload: 'background' },
    },
    execution: { deadlineMs, ...execution },
  };
}
