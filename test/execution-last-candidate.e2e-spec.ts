import { createScriptedUpstream, type ScriptedUpstream } from 'nestjs-llm-router/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createRouterApp, type RouterApp } from './support/router-app.js';

/** Gemini reads pictures of its own file store and data URLs; what it makes of this one has no known media type. */
const UNSAYABLE = 'https://example.com/picture?id=1';
const SAYABLE = 'https://example.com/picture.png';

/** A fallback that cannot say the request is no fallback: the one before it must not be cut for its sake. */
describe('the last candidate that can serve', () => {
  let openai: ScriptedUpstream;
  let gemini: ScriptedUpstream;
  let app: RouterApp | undefined;

  beforeAll(async () => {
    openai = await createScriptedUpstream({ api: 'openai' });
    gemini = await createScriptedUpstream({ api: 'gemini' });
  });
  afterEach(async () => {
    await app?.close();
    app = undefined;
  });
  afterAll(async () => {
    await Promise.all([openai.close(), gemini.close()]);
  });

  async function ask(url: string, answersAfterMs: number, limits: { rule?: object; execution: object }) {
    app = await createRouterApp({
      platform: 'express',
      options: {
        providers: {
          openai: { api: 'openai', baseUrl: openai.baseUrl, apiKey: 'k' },
          gemini: { api: 'gemini', baseUrl: gemini.baseUrl, apiKey: 'k' },
        },
        routingRules: {
          simple_queries: { primary: 'gpt-4o-mini', fallback: 'gemini-2.5-flash', ...limits.rule },
        },
        execution: limits.execution,
      },
    });
    openai.setLatency({ timeToFirstTokenMs: answersAfterMs, tokensPerSecond: 10_000 });
    const before = [openai.requestCount, gemini.requestCount] as const;
    const answer = await app.postJson('/v1/chat/completions', {
      model: 'auto',
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What?' },
            { type: 'image_url', image_url: { url } },
          ],
        },
      ],
    });
    await answer.text();
    return {
      status: answer.status,
      model: answer.headers.get('x-llm-model'),
      asked: [openai.requestCount - before[0], gemini.requestCount - before[1]],
    };
  }

  it('has all of the deadline, where a fallback has half of it', async () => {
    const limits = { execution: { deadlineMs: 3_000 } };
    expect(await ask(UNSAYABLE, 1_700, limits)).toEqual({ status: 200, model: 'gpt-4o-mini', asked: [1, 0] });
  });

  it('is not moved on from, and asked twice', async () => {
    const limits = { rule: { maxLatencyMs: 200 }, execution: { deadlineMs: 20_000 } };
    expect(await ask(UNSAYABLE, 700, limits)).toEqual({ status: 200, model: 'gpt-4o-mini', asked: [1, 0] });
  });

  it('is the fallback where it can say the request', async () => {
    const limits = { rule: { maxLatencyMs: 200 }, execution: { deadlineMs: 20_000 } };
    expect(await ask(SAYABLE, 2_000, limits)).toEqual({
      status: 200,
      model: 'gemini-2.5-flash',
      asked: [1, 1],
    });
  });
});
