import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ScriptedUpstream } from 'nestjs-llm-router/testing';
import { createScriptedUpstream } from 'nestjs-llm-router/testing';
import { createRouterApp, type RouterApp } from './support/router-app.js';

const USAGE = { promptTokens: 300_000, completionTokens: 1_000, cachedTokens: 200_000 };
/** Some 1,000 tokens by any estimate. */
const LONG = 'word '.repeat(800);

describe('a long prompt', () => {
  let upstream: ScriptedUpstream;
  let router: RouterApp;

  beforeAll(async () => {
    upstream = await createScriptedUpstream({ api: 'openai', models: ['stepped'] });
    router = await createRouterApp({
      platform: 'express',
      options: {
        providers: { local: { api: 'openai-compatible', baseUrl: upstream.baseUrl } },
        models: {
          stepped: {
            provider: 'local',
            contextWindow: 1_000_000,
            maxOutputTokens: 100_000,
            capabilities: ['streaming'],
            price: {
              inputPer1M: 1,
              outputPer1M: 10,
              cachedInputPer1M: 0.1,
              longContext: [{ aboveInputTokens: 500, inputPer1M: 2, outputPer1M: 20, cachedInputPer1M: 0.2 }],
            },
          },
        },
        routingRules: { simple_queries: { primary: 'stepped' } },
        surfaces: { capped: { maxCostPerRequest: 0.02 }, poor: { maxCostPerRequest: 0.002 } },
      },
    });
  });

  afterAll(async () => {
    await router.close();
    await upstream.close();
  });

  const ask = (content: string, surface?: string) =>
    router.postJson(
      '/v1/chat/completions',
      { model: 'auto', messages: [{ role: 'user', content }] },
      surface === undefined ? {} : { 'x-llm-surface': surface },
    );

  it('costs what its step asks, by the usage the provider reports', async () => {
    upstream.setReply(() => ({ text: 'Yes.', usage: USAGE }));
    const answer = await ask('Hello?');
    expect(answer.status).toBe(200);
    const dollars = (100_000 * 2 + 200_000 * 0.2 + 1_000 * 20) / 1e6;
    expect(Number(answer.headers.get('x-llm-cost-usd'))).toBeCloseTo(dollars, 6);
  });

  it('is held to the dollar cap at the price of its step', async () => {
    upstream.setReply(() => ({ text: 'Yes.' }));
    const limitOf = async (content: string): Promise<number> => {
      const seen = upstream.requests.length;
      expect((await ask(content, 'capped')).status).toBe(200);
      const body = upstream.requests[seen]?.body as { max_tokens?: number; max_completion_tokens?: number };
      return body.max_completion_tokens ?? body.max_tokens ?? Number.NaN;
    };
    // $0.02 pays some 2,000 tokens at $10, and under 1,000 at $20.
    expect(await limitOf('Hello?')).toBeGreaterThan(1_900);
    const long = await limitOf(LONG);
    expect(long).toBeLessThan(1_000);
    expect(long).toBeGreaterThan(800);
  });

  it('is refused where the cap no longer pays for it, though it would below the step', async () => {
    expect((await ask('Hello?', 'poor')).status).toBe(200);
    const refused = await ask(LONG, 'poor');
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({ error: { code: 'no_eligible_model' } });
  });
});
