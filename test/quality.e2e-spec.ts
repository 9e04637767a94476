import { afterEach, describe, expect, it } from 'vitest';
import {
  type ChatRequest,
  DecisionNotFoundError,
  InvalidRequestError,
  type LlmRouterOptions,
  type QualityReport,
  RouterService,
} from 'nestjs-llm-router';
import type { UpstreamReply } from 'nestjs-llm-router/testing';
import type { AnswerEvaluated, FeedbackGiven } from '../lib/telemetry/index.js';
import { PLATFORMS } from './support/router-app.js';
import { createScene, type Scene } from './support/scene.js';

const QUESTION = 'What is the capital of France, and what can one see there in two days?';
const SUPPORT = { 'x-llm-surface': 'support' };
const bearer = (key: string): Record<string, string> => ({ authorization: `Bearer ${key}` });

const TOOL = {
  type: 'function',
  function: {
    name: 'weather',
    parameters: { type: 'object', required: ['city'], properties: { city: { type: 'string' } } },
  },
};
const CITY = {
  type: 'json_schema',
  json_schema: { name: 'city', schema: { type: 'object', required: ['city'] } },
};

describe.each(PLATFORMS)('quality on %s', (platform) => {
  let scene: Scene<'main'>;
  let reply: UpstreamReply;
  let evaluated: AnswerEvaluated[];
  let given: FeedbackGiven[];
  /** What ended and was looked at, in that order. */
  let order: string[];
  let waiting: { count: number; resolve: () => void } | undefined;

  const open = async (options: Partial<LlmRouterOptions> = {}): Promise<void> => {
    reply = { text: 'Paris. See the Louvre and walk along the river with a friend.' };
    scene = await createScene({
      platform,
      upstreams: { main: { api: 'openai', reply: () => reply } },
      options: {
        routingRules: { simple_queries: { primary: 'main' }, complex_reasoning: { primary: 'main' } },
        surfaces: { support: {} },
        ...options,
      },
    });
    evaluated = [];
    given = [];
    order = [];
    const { bus } = scene.engine;
    bus.on('request-ended', ({ decisionId }) => order.push(`ended ${decisionId}`));
    bus.on('answer-evaluated', (event) => {
      evaluated.push(event);
      order.push(`evaluated ${event.decisionId}`);
      if (waiting !== undefined && evaluated.length >= waiting.count) waiting.resolve();
    });
    bus.on('feedback-given', (event) => given.push(event));
  };

  const whenEvaluated = async (count: number): Promise<void> => {
    if (evaluated.length >= count) return;
    await new Promise<void>((resolve) => {
      waiting = { count, resolve };
    });
  };

  const ask = async (body: object = {}, stream = false, headers: Record<string, string> = SUPPORT) =>
    scene.ask('auto', {
      stream,
      headers,
      body: { messages: [{ role: 'user', content: QUESTION }], ...body },
    });

  const report = async (headers: Record<string, string> = {}): Promise<QualityReport> =>
    (await (await scene.fetch('/router/quality', { headers })).json()) as QualityReport;

  afterEach(async () => {
    await scene.close();
  });

  describe('an answer', () => {
    it.each<[string, UpstreamReply, object, string[], number]>([
      ['as asked for', { text: 'Paris, and the river is well worth a walk.' }, {}, [], 1],
      ['that is empty', { text: '' }, {}, ['empty'], 0],
      ['cut off', { text: 'Paris, and', finish: 'length' }, {}, ['cut_off'], 0.6],
      ['that refuses', { text: "I'm sorry, but I can't help with that request." }, {}, ['refusal'], 0.3],
      ['kept back by the provider', { text: '', finish: 'content_filter' }, {}, ['refusal'], 0.3],
      [
        'in another language',
        {
          text: 'Die Hauptstadt ist Paris, und man kann dort in zwei Tagen sehr viel sehen, wenn man früh kommt.',
        },
        {},
        ['wrong_language'],
        0.5,
      ],
      ['that is no JSON', { text: '{"city":' }, { response_format: CITY }, ['schema_invalid'], 0],
      ['that is other JSON', { text: '{"town":"Paris"}' }, { response_format: CITY }, ['schema_invalid'], 0],
      ['that is that JSON', { text: '{"city":"Paris"}' }, { response_format: CITY }, [], 1],
      [
        'that calls a tool wrongly',
        { toolCalls: [{ name: 'weather', arguments: { town: 'Paris' } }] },
        { tools: [TOOL] },
        ['tool_call_invalid'],
        0,
      ],
      [
        'that calls a tool as it should',
        { toolCalls: [{ name: 'weather', arguments: { city: 'Paris' } }] },
        { tools: [TOOL] },
        [],
        1,
      ],
      [
        'that calls none where it must',
        { text: 'It rains.' },
        { tools: [TOOL], tool_choice: 'required' },
        ['tool_call_invalid'],
        0,
      ],
    ])('%s is told of once, after its end, streamed or not', async (_what, said, body, faults, score) => {
      await open();
      reply = said;
      for (const stream of [false, true]) {
        const { headers, status } = await ask(body, stream);
        expect(status).toBe(200);
        await whenEvaluated(stream ? 2 : 1);
        const decisionId = headers.get('x-llm-decision-id')!;
        expect(evaluated.at(-1)).toMatchObject({
          decisionId,
          faults,
          score,
          streamed: stream,
          surface: 'support',
          model: 'main',
          deployment: 'main/main',
          provider: 'main',
        });
        expect(order.slice(-2)).toEqual([`ended ${decisionId}`, `evaluated ${decisionId}`]);
      }
      expect(evaluated).toHaveLength(2);
      const [figures] = (await report()).scores;
      expect(figures).toMatchObject({ model: 'main', surface: 'support', evaluated: 2, score });
      expect(Object.entries(figures!.faults).filter(([, count]) => count > 0)).toEqual(
        faults.map((fault) => [fault, 2]),
      );
    });

    it('is judged as it was, whatever its reader does to it and to the question', async () => {
      await open();
      const router = scene.app.get(RouterService);
      const request: ChatRequest = { messages: [{ role: 'user', content: QUESTION }] };
      const answer = await router.chat(request, { surface: 'support' });
      answer.choices[0]!.message.content = '';
      request.messages[0]!.content = 'Wie heißt die Hauptstadt von Frankreich, und was kann man dort sehen?';
      await whenEvaluated(1);
      expect(evaluated).toMatchObject([{ faults: [], score: 1 }]);
    });

    it('that nobody got is not judged', async () => {
      await open({ execution: { maxAttempts: 1 } });
      scene.upstreams.main.failNext({ kind: 'status', status: 500 });
      expect((await ask()).status).toBe(502);
      scene.upstreams.main.failNext({ kind: 'cut', afterChunks: 1 });
      await ask({}, true);
      await ask();
      await whenEvaluated(1);
      expect(evaluated).toHaveLength(1);
    });

    it('is judged before the application has gone', async () => {
      await open();
      const router = scene.app.get(RouterService);
      await router.chat({ messages: [{ role: 'user', content: QUESTION }] });
      scene.engine.bus.on('request-ended', () => undefined);
      await scene.engine.close();
      expect(evaluated).toHaveLength(1);
    });
  });

  describe('feedback', () => {
    it('is told with the labels of its decision, at once and over HTTP, and the last word counts', async () => {
      await open();
      const router = scene.app.get(RouterService);
      const { routing } = await router.chat(
        { messages: [{ role: 'user', content: QUESTION }] },
        { surface: 'support', tenant: 'acme' },
      );
      expect(router.feedback(routing.decisionId, 1)).toEqual({
        decisionId: routing.decisionId,
        score: 1,
        isReplacement: false,
      });
      const response = await scene.postJson('/router/feedback', {
        decision_id: routing.decisionId,
        score: 0.25,
      });
      expect(response.status).toBe(200);
      expect(await response.json()).toEqual({
        decision_id: routing.decisionId,
        score: 0.25,
        is_replacement: true,
      });
      const labels = {
        decisionId: routing.decisionId,
        surface: 'support',
        tenant: 'acme',
        requestClass: routing.requestClass,
        model: 'main',
        deployment: 'main/main',
      };
      expect(given).toMatchObject([
        { ...labels, score: 1 },
        { ...labels, score: 0.25, replaces: { score: 1, atMs: expect.any(Number) as number } },
      ]);
      expect(given[0]).not.toHaveProperty('replaces');
      const second = await ask({}, true);
      router.feedback(second.headers.get('x-llm-decision-id')!, 0.75);
      await whenEvaluated(2);
      expect(router.quality().scores).toMatchObject([{ evaluated: 2, feedback: { count: 2, score: 0.5 } }]);
      expect(await report()).toEqual(router.quality());
    });

    it.each<[string, unknown, number, string | undefined]>([
      ['no score', { decision_id: 'x' }, 400, 'score'],
      ['a score beyond', { decision_id: 'x', score: 1.01 }, 400, 'score'],
      ['a score below', { decision_id: 'x', score: -0.01 }, 400, 'score'],
      ['a score as text', { decision_id: 'x', score: '1' }, 400, 'score'],
      ['a flag', { decision_id: 'x', score: true }, 400, 'score'],
      ['no decision', { score: 1 }, 400, 'decision_id'],
      ['a number for a decision', { decision_id: 5, score: 1 }, 400, 'decision_id'],
      ['a list', [], 400, undefined],
      ['an unknown decision', { decision_id: 'dec_0', score: 1 }, 404, 'decision_id'],
      ['a name of our own', { decision_id: '__proto__', score: 1 }, 404, 'decision_id'],
    ])('is refused for %s', async (_what, body, status, param) => {
      await open();
      const response = await scene.postJson('/router/feedback', body);
      expect(response.status).toBe(status);
      const { error } = (await response.json()) as { error: { code: string; param: string | null } };
      expect(error.code).toBe(status === 404 ? 'not_found' : 'invalid_request');
      expect(error.param ?? undefined).toBe(param);
      expect(given).toEqual([]);
    });

    it('throws errors of its own', async () => {
      await open();
      const router = scene.app.get(RouterService);
      expect(() => router.feedback('dec_0', Number.NaN)).toThrow(InvalidRequestError);
      expect(() => router.feedback('dec_0', 1)).toThrow(DecisionNotFoundError);
    });

    it('of a tenant is for its own answers, of an admin for all', async () => {
      await open({
        http: {
          apiKeys: [
            { key: 'key-a', tenant: 'acme' },
            { key: 'key-a2', tenant: 'acme' },
            { key: 'key-b', tenant: 'bolt' },
            { key: 'key-none' },
            { key: 'key-none2' },
            { key: 'key-admin', admin: true },
          ],
        },
      });
      const decisionOf = async (key: string): Promise<string> =>
        (await ask({}, false, { ...SUPPORT, ...bearer(key) })).headers.get('x-llm-decision-id')!;
      const score = async (decision: string, headers: Record<string, string>): Promise<number> =>
        (await scene.postJson('/router/feedback', { decision_id: decision, score: 1 }, headers)).status;
      const ofAcme = await decisionOf('key-a');
      expect(await score(ofAcme, {})).toBe(401);
      expect(await score(ofAcme, bearer('key-b'))).toBe(404);
      expect(await score(ofAcme, bearer('key-none'))).toBe(404);
      expect(await score(ofAcme, bearer('key-a2'))).toBe(200);
      expect(await score(ofAcme, bearer('key-admin'))).toBe(200);
      const ofNone = await decisionOf('key-none');
      expect(await score(ofNone, bearer('key-none2'))).toBe(404);
      expect(await score(ofNone, bearer('key-a'))).toBe(404);
      expect(await score(ofNone, bearer('key-none'))).toBe(200);
      expect((await scene.fetch('/router/quality', { headers: bearer('key-a') })).status).toBe(403);
      expect((await report(bearer('key-admin'))).scores).toHaveLength(1);
    });
  });
});
