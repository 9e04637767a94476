import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ChatRequest, InvalidRequestError, RouterService } from 'nestjs-llm-router';
import { createScriptedUpstream, type ScriptedUpstream } from 'nestjs-llm-router/testing';
import { createFaultBench, type FaultBench, readAll } from './support/fault-bench.js';
import { expectErrorResponse } from './support/openai-error.js';
import { PLATFORMS } from './support/router-app.js';

/** Pays for a prompt of 6,000 tokens and for 1,000 tokens of an answer. */
const CAP_USD = 0.016;
const PRICE = { inputPer1M: 1, outputPer1M: 10 };
const PROMPT_TOKENS = 6_000;
const PAID_TOKENS = 1_000;
const WINDOW_TOKENS = 8_192;
const CHARACTERS_PER_TOKEN = 4;

const say = (content: string): ChatRequest => ({ messages: [{ role: 'user', content }] });
const longPrompt = say('word '.repeat((PROMPT_TOKENS * CHARACTERS_PER_TOKEN) / 5));

/** Deprecated, and what many clients go on sending. */
function functions(count: number, bytesEach = 0): ChatRequest['functions'] {
  return Array.from({ length: count }, (_, index) => ({
    name: `look_up_${index}`,
    description: 'x'.repeat(bytesEach),
    parameters: { type: 'object', properties: {} },
  }));
}

function parts(count: number): { type: 'text'; text: string }[] {
  return Array.from({ length: count }, () => ({ type: 'text', text: 'a' }));
}

let openai: ScriptedUpstream;
let anthropic: ScriptedUpstream;
let gemini: ScriptedUpstream;

beforeAll(async () => {
  const reply = (): { text: string } => ({ text: 'Here it is.' });
  // As many compatible servers do: not every field is one of the wire's own.
  openai = await createScriptedUpstream({ api: 'openai', reply, allowUnknownFields: true });
  anthropic = await createScriptedUpstream({ api: 'anthropic', reply });
  gemini = await createScriptedUpstream({ api: 'gemini', reply });
});

afterAll(async () => {
  await Promise.all([openai.close(), anthropic.close(), gemini.close()]);
});

function createBench(platform: (typeof PLATFORMS)[number]): Promise<FaultBench> {
  return createFaultBench({
    platform,
    options: {
      providers: {
        openai: { api: 'openai', baseUrl: openai.baseUrl, apiKey: 'k1' },
        anthropic: { api: 'anthropic', baseUrl: anthropic.baseUrl, apiKey: 'k2' },
        gemini: { api: 'gemini', baseUrl: gemini.baseUrl, apiKey: 'k3' },
      },
      models: {
        tight: { provider: 'openai', contextWindow: WINDOW_TOKENS, price: PRICE },
        'tight-next': { provider: 'anthropic', contextWindow: WINDOW_TOKENS, price: PRICE },
        toolless: { provider: 'openai', capabilities: ['streaming'] },
        tooled: { provider: 'openai', capabilities: ['streaming', 'tools'] },
        wide: { provider: 'openai', contextWindow: 1_000_000 },
        'anthropic-wide': { provider: 'anthropic', contextWindow: 1_000_000 },
        'gemini-wide': { provider: 'gemini', contextWindow: 1_000_000 },
      },
      routingRules: {
        simple_queries: { primary: 'wide' },
        capped: { primary: 'tight', fallback: 'tight-next' },
        functional: { primary: 'toolless', fallback: 'tooled' },
        narrow: { primary: 'tight' },
        narrow_first: { primary: 'tight', fallback: 'wide' },
        on_anthropic: { primary: 'anthropic-wide' },
        on_gemini: { primary: 'gemini-wide' },
      },
      surfaces: { thrifty: { maxCostPerRequest: CAP_USD } },
    },
  });
}

describe('limits that a request must not slip through', () => {
  let bench: FaultBench;
  let router: RouterService;

  beforeAll(async () => {
    bench = await createBench('express');
    router = bench.app.get(RouterService);
  });

  beforeEach(() => {
    bench.clear();
  });

  afterEach(async () => {
    await Promise.all([openai.heal(), anthropic.heal(), gemini.heal()]);
    await bench.expectQuiet(openai, anthropic, gemini);
  });

  afterAll(() => bench.close());

  describe('maxCostPerRequest in a window that the prompt nearly fills', () => {
    const thrifty = { surface: 'thrifty' };
    const limited = (field: 'max_tokens' | 'max_completion_tokens', tokens: number): ChatRequest => ({
      ...longPrompt,
      model: 'capped',
      [field]: tokens,
    });

    it.each([
      ['max_tokens above what it pays', limited('max_tokens', 2_000)],
      ['max_completion_tokens above what it pays', limited('max_completion_tokens', 2_000)],
      ['no limit of the client', { ...longPrompt, model: 'capped' }],
    ])('holds with %s', async (_name, request) => {
      await router.chat(request, thrifty);
      const sent = openai.requests.at(-1)?.maxOutputTokens;
      expect(sent).toBeLessThanOrEqual(PAID_TOKENS);
      // And no less than a good part of it, or nobody would be served.
      expect(sent).toBeGreaterThan(PAID_TOKENS / 2);
    });

    it('leaves a smaller limit of the client as it is', async () => {
      await router.chat(limited('max_tokens', 300), thrifty);
      expect(openai.requests.at(-1)?.maxOutputTokens).toBe(300);
    });

    it('holds for the second attempt, which has the same dollars', async () => {
      openai.failNext({ kind: 'status', status: 500 });
      await router.chat(limited('max_completion_tokens', 2_000), thrifty);
      const sent = anthropic.requests.at(-1)?.maxOutputTokens;
      expect(bench.attempts).toHaveLength(2);
      expect(sent).toBeLessThanOrEqual(PAID_TOKENS);
      expect(sent).toBeGreaterThan(PAID_TOKENS / 2);
    });
  });

  describe('a message of very many parts', () => {
    it('is refused with 400 when the upstream refuses it', async () => {
      openai.failNext({ kind: 'status', status: 400 });
      const refused = router.chat({ messages: [{ role: 'user', content: parts(150_000) }] });
      await expect(refused).rejects.toMatchObject({ code: 'upstream_rejected', status: 400 });
      expect(openai.requests.at(-1)?.body).toMatchObject({
        messages: [{ content: { length: 150_000 } }],
      });
    });

    // More than a call can have arguments, and under what validation lets pass.
    const turns: ChatRequest['messages'] = [
      { role: 'user', content: parts(10) },
      { role: 'user', content: parts(150_000) },
    ];
    const instructions: ChatRequest['messages'] = [
      { role: 'system', content: parts(150_000) },
      { role: 'user', content: 'Hello' },
    ];

    it.each([
      ['two turns of the user', 'on_anthropic', turns],
      ['two turns of the user', 'on_gemini', turns],
      ['a system message', 'on_anthropic', instructions],
      ['a system message', 'on_gemini', instructions],
    ])('as %s is answered (%s)', async (_name, model, messages) => {
      const answer = await router.chat({ model, messages });
      expect(answer.choices[0]?.message.content).toBe('Here it is.');
    });

    it('is refused with 400 where it is more than anyone needs', async () => {
      const asked = anthropic.requestCount;
      const twice: ChatRequest['messages'] = [
        { role: 'user', content: parts(150_000) },
        { role: 'user', content: parts(150_000) },
      ];
      const refused = router.chat({ model: 'on_anthropic', messages: twice });
      await expect(refused).rejects.toMatchObject({ code: 'invalid_request', status: 400 });
      expect(anthropic.requestCount).toBe(asked);
    });
  });

  describe('what code gives as options', () => {
    it.each([
      ['deadlineMs', { deadlineMs: Number.NaN }],
      ['deadlineMs', { deadlineMs: Number.POSITIVE_INFINITY }],
      ['deadlineMs', { deadlineMs: 3e9 }],
      ['deadlineMs', { deadlineMs: 0 }],
      ['deadlineMs', { deadlineMs: -1 }],
      ['workload', { workload: 'urgent' as never }],
    ])('is refused before any call: %s in %o', async (param, options) => {
      const asked = openai.requestCount;
      const calls = [
        () => router.chat(say('Hello'), options),
        () => readAll(router.stream(say('Hello'), options)),
        () => router.runWith(options, () => router.chat(say('Hello'))),
        () => router.runWith(options, () => readAll(router.stream(say('Hello')))),
        // eslint-disable-next-line @typescript-eslint/require-await -- one form for all
        async () => router.explain(say('Hello'), options),
      ];
      for (const call of calls) {
        const error: unknown = await call().catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(InvalidRequestError);
        expect(error).toMatchObject({ param, status: 400 });
      }
      expect(openai.requestCount).toBe(asked);
      expect(bench.attempts).toEqual([]);
    });

    it('is taken where it makes sense', async () => {
      await router.chat(say('Hello'), { deadlineMs: 2_147_483_647, workload: 'background' });
      expect(bench.requests).toMatchObject([{ outcome: 'succeeded', workload: 'background' }]);
    });
  });
});

describe.each(PLATFORMS)('older and dearer fields, on %s', (platform) => {
  const CHAT = '/v1/chat/completions';
  let bench: FaultBench;

  beforeAll(async () => {
    bench = await createBench(platform);
  });

  beforeEach(() => {
    bench.clear();
  });

  afterAll(() => bench.close());

  it('`functions` want a model with tools', async () => {
    const plain = await bench.postJson(CHAT, { ...say('Hello'), model: 'functional' });
    expect(plain.headers.get('x-llm-model')).toBe('toolless');
    const answer = await bench.postJson(CHAT, {
      ...say('Hello'),
      model: 'functional',
      functions: functions(1),
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('x-llm-model')).toBe('tooled');
    expect(answer.headers.get('x-llm-attempts')).toBe('1');
    expect(openai.requests.at(-1)).toMatchObject({ model: 'tooled' });
  });

  it('`functions` count in the window', async () => {
    const large = { ...say('Hello'), functions: functions(100, 4_000) };
    const asked = openai.requestCount;
    await expectErrorResponse(await bench.postJson(CHAT, { ...large, model: 'narrow' }), {
      status: 400,
      code: 'context_length_exceeded',
    });
    expect(openai.requestCount).toBe(asked);
    const answer = await bench.postJson(CHAT, { ...large, model: 'narrow_first' });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('x-llm-model')).toBe('wide');
    expect(answer.headers.get('x-llm-attempts')).toBe('1');
  });

  it('`functions` are as many as `tools` may be', async () => {
    const asked = openai.requestCount;
    const tooMany = await bench.postJson(CHAT, { ...say('Hello'), functions: functions(200) });
    await expectErrorResponse(tooMany, { status: 400, code: 'invalid_request', param: 'functions' });
    expect(openai.requestCount).toBe(asked);
    const asManyAsMay = await bench.postJson(CHAT, { ...say('Hello'), functions: functions(128) });
    expect(asManyAsMay.status).toBe(200);
  });

  it('`service_tier: "priority"` is refused where the cost is capped, and nowhere else', async () => {
    const request = { ...say('Hello'), model: 'capped', service_tier: 'priority' };
    const asked = openai.requestCount;
    await expectErrorResponse(await bench.postJson(CHAT, request, { 'x-llm-surface': 'thrifty' }), {
      status: 400,
      code: 'invalid_request',
      param: 'service_tier',
    });
    expect(openai.requestCount).toBe(asked);
    expect(bench.requests).toMatchObject([{ outcome: 'rejected', attempts: 0 }]);
    expect((await bench.postJson(CHAT, request)).status).toBe(200);
    expect(openai.requests.at(-1)?.body.service_tier).toBe('priority');
    const listPrice = { ...request, service_tier: 'default' };
    expect((await bench.postJson(CHAT, listPrice, { 'x-llm-surface': 'thrifty' })).status).toBe(200);
  });
});
