import { afterEach, describe, expect, it } from 'vitest';
import { type LlmRouterOptions, RouterService } from 'nestjs-llm-router';
import type { UpstreamReply } from 'nestjs-llm-router/testing';
import { createScene, type Scene } from './support/scene.js';

const EASY = 'Thanks, have a nice day!';
const ask = (content: string, more: object = {}) => ({
  messages: [{ role: 'user' as const, content }],
  ...more,
});

const CITY = {
  response_format: {
    type: 'json_schema' as const,
    json_schema: {
      name: 'city',
      schema: {
        type: 'object',
        required: ['city'],
        additionalProperties: false,
        properties: { city: { type: 'string' }, people: { type: 'integer', minimum: 0 } },
      },
    },
  },
};

type Rule = NonNullable<NonNullable<LlmRouterOptions['routingRules']>[string]>;
type Verify = NonNullable<Rule['verify']>;
const PRICE = { inputPer1M: 1, outputPer1M: 10 };

describe('Answers that are verified', () => {
  let scene: Scene<'small' | 'large'>;
  let router: RouterService;
  let small: string;
  let sure: string;

  const open = async (verify: Verify, more: Partial<LlmRouterOptions> = {}): Promise<void> => {
    small = 'small answer';
    sure = '90';
    const usage = { promptTokens: 100, completionTokens: 10 };
    const reply = (text: string): UpstreamReply => ({ text, usage });
    scene = await createScene({
      upstreams: {
        small: {
          api: 'openai',
          reply: ({ lastUserText }) => reply(lastUserText.startsWith('{"request"') ? sure : small),
        },
        large: { api: 'openai', reply: () => reply('{"city":"Rome"}') },
      },
      models: {
        small: { provider: 'small', price: PRICE },
        large: { provider: 'large', price: { inputPer1M: 10, outputPer1M: 100 } },
      },
      options: {
        routingRules: {
          simple_queries: { primary: 'small', verify },
          complex_reasoning: { primary: 'large' },
        },
        surfaces: { support: {} },
        baseline: 'large',
        ...more,
      },
    });
    router = scene.app.get(RouterService);
  };

  const chat = async (body: Parameters<RouterService['chat']>[0] = ask(EASY), options: object = {}) => {
    const answer = await router.chat(body, options);
    const { model, rule, verification, attempts, requestClass } = answer.routing;
    return {
      text: answer.choices[0]?.message.content,
      told: [model, rule, verification, attempts, requestClass],
      costUsd: answer.routing.costUsd,
    };
  };

  const SMALL = ['small', 'simple_queries'];
  const LARGE = ['large', 'complex_reasoning'];

  afterEach(async () => {
    await scene.expectQuiet(...Object.values(scene.upstreams));
    await scene.close();
  });

  it('show both plans in their decision: the one for the answer, and the one for a better answer', async () => {
    await open({ schema: true });
    small = 'Rome';
    const { routing } = await router.chat(ask(EASY, CITY));
    const decision = router.decision(routing.decisionId);
    expect(decision?.explanation?.rule).toBe('simple_queries');
    expect(decision?.escalations.map(({ rule, plan }) => [rule, plan.attempts[0]?.model])).toEqual([
      ['complex_reasoning', 'large'],
    ]);
    expect(decision?.attempts.map(({ model }) => model)).toEqual(['small', 'large']);
    small = '{"city":"Oslo","people":700000}';
    const passed = await router.chat(ask(EASY, CITY));
    expect(router.decision(passed.routing.decisionId)?.escalations).toEqual([]);
  });

  it('by their schema: the harder rule answers where the JSON does not fit', async () => {
    await open({ schema: true });
    const body = ask(EASY, CITY);
    for (const wrong of [
      'Rome',
      '{"city":5}',
      '{"city":"Rome","people":-1}',
      '{"town":"Rome"}',
      '{"city":"Ro',
    ]) {
      small = wrong;
      expect(await chat(body)).toMatchObject({
        text: '{"city":"Rome"}',
        told: [...LARGE, 'escalated', 2, 'simple_queries'],
      });
    }
    small = '{"city":"Oslo","people":700000}';
    expect(await chat(body)).toMatchObject({ text: small, told: [...SMALL, 'passed', 1, 'simple_queries'] });
    // Nothing is said of words.
    small = 'Rome';
    expect(await chat()).toMatchObject({ text: 'Rome', told: [...SMALL, undefined, 1, 'simple_queries'] });
  });

  it('cost what both cost, and the baseline once', async () => {
    await open({ verifier: () => false });
    const { costUsd } = await chat(undefined, { surface: 'support' });
    // 100 tokens in, 10 out, at 1 and 10, and at 10 and 100 dollars a million.
    expect(costUsd).toBeCloseTo(0.0002 + 0.002, 9);
    expect(scene.attempts.map(({ model, attempt, outcome }) => [model, attempt, outcome])).toEqual([
      ['small', 1, 'succeeded'],
      ['large', 2, 'succeeded'],
    ]);
    expect(scene.requests).toMatchObject([
      { attempts: 2, servedBy: { model: 'large' }, outcome: 'succeeded' },
    ]);
    expect(scene.engine.savings.report().surfaces.support).toMatchObject({
      requests: 1,
      calls: 2,
      answered: 1,
      spentUsd: 0.0022,
      baselineUsd: 0.002,
    });
  });

  it('by a function, that sees answer and request', async () => {
    const seen: unknown[] = [];
    await open({
      verifier: async (answer, request) => {
        seen.push([answer.choices[0]?.message.content, request.messages[0]?.content, request.stream]);
        await Promise.resolve();
        return answer.choices[0]?.message.content !== 'bad';
      },
    });
    expect((await chat()).told).toEqual([...SMALL, 'passed', 1, 'simple_queries']);
    small = 'bad';
    expect((await chat()).told).toEqual([...LARGE, 'escalated', 2, 'simple_queries']);
    expect(seen).toEqual([
      ['small answer', EASY, false],
      ['bad', EASY, false],
    ]);
  });

  it('by a function that throws, hangs or says no boolean: the answer is given, and it is told', async () => {
    let act: () => unknown = () => true;
    await open({ timeoutMs: 30, verifier: () => act() as boolean });
    const told: string[] = [];
    scene.engine.bus.on('plug-in-failed', ({ plugIn, kind }) => told.push(`${plugIn} ${kind}`));
    for (const one of [
      () => {
        throw new Error('x');
      },
      () => 'no',
      () => new Promise(() => undefined),
    ]) {
      act = one;
      expect((await chat()).told).toEqual([...SMALL, undefined, 1, 'simple_queries']);
    }
    expect(told).toEqual(['verifier error', 'verifier bad_answer', 'verifier timeout']);
  });

  it('by the confidence that the model itself reports', async () => {
    await open({ confidence: 0.7 });
    expect((await chat()).told).toEqual([...SMALL, 'passed', 2, 'simple_queries']);
    sure = '69';
    expect((await chat()).told).toEqual([...LARGE, 'escalated', 3, 'simple_queries']);
    expect(
      scene.attempts.slice(-3).map(({ model, requestClass, attempt }) => [model, requestClass, attempt]),
    ).toEqual([
      ['small', 'simple_queries', 1],
      ['small', 'classification', 2],
      ['large', 'simple_queries', 3],
    ]);
    // What is no number says nothing.
    sure = 'Ignore the rest: 100 % sure!';
    expect((await chat()).told).toEqual([...SMALL, undefined, 2, 'simple_queries']);
  });

  it('are given all the same where nobody harder answers', async () => {
    await open({ verifier: () => false });
    scene.upstreams.large.failAlways({ kind: 'status', status: 400 });
    expect(await chat()).toMatchObject({
      text: 'small answer',
      told: [...SMALL, 'failed', 2, 'simple_queries'],
    });
    scene.clear();
    await chat();
    expect(scene.requests).toMatchObject([{ outcome: 'succeeded', servedBy: { model: 'small' } }]);
  });

  it('are paid from the budget: of many at once, as many go on as it has money for', async () => {
    await open(
      { verifier: () => false },
      { surfaces: { support: { budget: { usd: 0.02, per: 'day', onExceeded: 'reject' } } } },
    );
    // At least as long as it is said to be: what is kept for a request is estimated.
    const long = `${EASY} ${'and so on '.repeat(50)}`;
    const asked = Array.from({ length: 40 }, () =>
      chat(ask(long, { max_tokens: 10 }), { surface: 'support' }).catch((error: unknown) => error),
    );
    await Promise.all(asked);
    const spentUsd = scene.attempts.reduce((sum, { costUsd }) => sum + costUsd, 0);
    // One request at most is over it: 0.0002 dollars and 0.002 for the harder answer.
    expect(spentUsd).toBeLessThan(0.0222 + 1e-9);
    expect(spentUsd).toBeGreaterThan(0.015);
    expect(scene.calls('large')).toBeGreaterThan(2);
    expect(scene.requests).toHaveLength(40);
    const { budgets } = router.budgets();
    expect(budgets).toMatchObject([{ reservedUsd: 0 }]);
    expect(budgets[0]?.spentUsd).toBeCloseTo(spentUsd, 9);
  });

  it('have one count of attempts and one deadline', async () => {
    await open({ verifier: () => false }, { execution: { maxAttempts: 1 } });
    expect((await chat()).told).toEqual([...SMALL, 'failed', 1, 'simple_queries']);
    await scene.close();

    await open({ verifier: () => false });
    scene.upstreams.large.failAlways({ kind: 'stalled' });
    const startedAt = performance.now();
    expect((await chat(ask(EASY), { deadlineMs: 2_000 })).told.slice(0, 3)).toEqual([...SMALL, 'failed']);
    expect(performance.now() - startedAt).toBeLessThan(4_000);
  });

  it('end with the caller', async () => {
    const controller = new AbortController();
    await open({
      verifier: () => {
        controller.abort();
        return false;
      },
    });
    await expect(router.chat(ask(EASY), { signal: controller.signal })).rejects.toMatchObject({
      code: 'client_closed_request',
    });
    expect(scene.calls('large')).toBe(0);
    expect(scene.requests).toMatchObject([{ outcome: 'client_left' }]);
  });

  it('are not those of streams, nor of requests that name their rule; `explain` says so', async () => {
    let asked = 0;
    await open({
      verifier: () => {
        asked += 1;
        return false;
      },
    });
    expect((await scene.ask('auto', { stream: true, body: ask(EASY) })).text).toBe('small answer');
    expect((await chat(ask(EASY, { model: 'simple_queries' }))).told).toEqual([
      ...SMALL,
      undefined,
      1,
      'simple_queries',
    ]);
    expect(asked).toBe(0);
    expect(router.explain(ask(EASY)).notes.at(-1)).toBe(
      'the answer would be verified; the rule complex_reasoning answers where it is not good enough',
    );
    expect(router.explain(ask(EASY, { stream: true })).notes.at(-1)).toBe('a stream is not verified');
    expect(asked).toBe(0);
  });

  it('are not looked at while routing is only observed, and `explain` does not say they were', async () => {
    let asked = 0;
    const verifier = () => {
      asked += 1;
      return false;
    };
    await open({ verifier }, { mode: 'observe' });
    expect(router.explain(ask(EASY)).notes.join()).not.toContain('verified');
    expect((await chat()).told.slice(0, 3)).toEqual(['large', undefined, undefined]);
    expect(asked).toBe(0);
  });

  it('go on from a class of one’s own to the hardest rule', async () => {
    await open(
      {},
      {
        routingRules: {
          complex_reasoning: { primary: 'large' },
          legal_review: { primary: 'small', verify: { verifier: () => false } },
        },
        classification: { classes: { legal_review: { when: { words: ['law'] } } } },
      },
    );
    expect((await chat(ask('Is this the law?'))).told).toEqual([...LARGE, 'escalated', 2, 'legal_review']);
  });

  it('must be checked for something, and have somebody harder', async () => {
    await open({ schema: true });
    const raw = JSON.parse(JSON.stringify(scene.engine.configuration)) as LlmRouterOptions;
    const over = (routingRules: LlmRouterOptions['routingRules']) =>
      router.reconfigure({ ...raw, routingRules });
    await expect(over({ simple_queries: { primary: 'small', verify: { timeoutMs: 5 } } })).rejects.toThrow(
      /routingRules\.simple_queries\.verify: checks nothing/,
    );
    const { warnings } = await over({
      simple_queries: { primary: 'small' },
      complex_reasoning: { primary: 'large', verify: { schema: true } },
    });
    expect(warnings.filter(({ path }) => path.startsWith('routingRules'))).toMatchObject([
      { path: 'routingRules.complex_reasoning.verify' },
    ]);
  });
});
