import { existsSync, readFileSync } from 'node:fs';
import type { ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { createParser } from 'eventsource-parser';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createScriptedUpstream,
  type ScriptedUpstream,
  type UpstreamApi,
  type UpstreamReply,
} from 'nestjs-llm-router/testing';
import { createRouterApp, PLATFORMS, type RouterApp } from './support/router-app.js';

const SCHEMA = new URL('../../shared/openai-schema/openai-chat.schema.json', import.meta.url);
const hasSchema = existsSync(SCHEMA);
const CHAT = '/v1/chat/completions';

const MODELS: Record<UpstreamApi, string> = {
  openai: 'gpt-4o-mini',
  'azure-openai': 'gpt-4o-mini',
  anthropic: 'claude-haiku-4-5',
  gemini: 'gemini-2.5-flash',
};

const TOOLS = ['get_weather', 'get_time'].map((name) => ({
  type: 'function',
  function: { name, parameters: { type: 'object', properties: { city: { type: 'string' } } } },
}));

const REPLIES: readonly (readonly [string, UpstreamReply, object])[] = [
  ['a text', { text: 'Paris is the capital of France.' }, {}],
  ['an empty text', { text: '' }, {}],
  ['a text cut by its length', { text: 'Paris is', finish: 'length' }, { max_tokens: 5 }],
  ['a filtered text', { text: 'I', finish: 'content_filter' }, {}],
  [
    'two tool calls',
    {
      toolCalls: [
        { name: 'get_weather', arguments: { city: 'Lyon' } },
        { name: 'get_time', arguments: {} },
      ],
    },
    { tools: TOOLS },
  ],
  [
    'a text and a tool call',
    { text: 'Let me see.', toolCalls: [{ name: 'get_time', arguments: {} }] },
    { tools: TOOLS },
  ],
];

/**
 * The published specification is stricter than OpenAI's own service, which sends `system_fingerprint: null` where it
 * says string, and `usage: null` on chunks (see the schema's README). These two alone are let through.
 */
function asPublished(answer: Record<string, unknown>): Record<string, unknown> {
  const { system_fingerprint: fingerprint, usage, ...rest } = answer;
  return {
    ...rest,
    ...(fingerprint === null || fingerprint === undefined ? {} : { system_fingerprint: fingerprint }),
    ...(usage === null || usage === undefined ? {} : { usage }),
  };
}

describe.skipIf(!hasSchema).each(PLATFORMS)(
  'answers against OpenAI’s published schema on %s (skipped where ../shared is absent)',
  (platform) => {
    let validators: Record<string, ValidateFunction>;

    beforeAll(() => {
      const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false, logger: false });
      ajv.addSchema(JSON.parse(readFileSync(SCHEMA, 'utf8')) as object);
      const names = [
        'CreateChatCompletionResponse',
        'CreateChatCompletionStreamResponse',
        'ErrorResponse',
        'ListModelsResponse',
        'Model',
      ];
      validators = Object.fromEntries(
        names.map((name) => {
          const validate = ajv.getSchema(`urn:openai-openapi:chat#/$defs/${name}`);
          if (validate === undefined) throw new Error(`${name} is not in the schema`);
          return [name, validate];
        }),
      );
    });

    function expectValid(name: string, value: unknown): void {
      const validate = validators[name]!;
      validate(value);
      expect({ value, errors: validate.errors }).toEqual({ value, errors: null });
    }

    it('the check can fail', () => {
      expect(() => {
        expectValid('CreateChatCompletionResponse', { object: 'chat.completion', choices: [{}] });
      }).toThrow();
    });

    describe.each(['openai', 'azure-openai', 'anthropic', 'gemini'] as const)('over the %s wire', (api) => {
      let upstream: ScriptedUpstream;
      let router: RouterApp;

      beforeAll(async () => {
        upstream = await createScriptedUpstream({ api });
        router = await createRouterApp({
          platform,
          options: {
            providers: { upstream: { api, baseUrl: upstream.baseUrl, apiKey: 'test-key' } },
            models: { [MODELS[api]]: { provider: 'upstream' } },
            routingRules: { simple_queries: { primary: MODELS[api] } },
          },
        });
      });

      afterAll(async () => {
        await router.close();
        await upstream.close();
      });

      const ask = (body: object): Promise<Response> =>
        router.postJson(CHAT, { model: 'auto', messages: [{ role: 'user', content: 'Tell me.' }], ...body });

      it.each(REPLIES)('%s, whole', async (_name, reply, request) => {
        upstream.setReply(() => reply);
        const response = await ask(request);
        const answer = (await response.json()) as Record<string, unknown>;
        expect({ status: response.status, answer }).toMatchObject({ status: 200 });
        expectValid('CreateChatCompletionResponse', asPublished(answer));
        expect(answer.usage).toBeDefined();
      });

      it.each(REPLIES)('%s, streamed: every chunk', async (_name, reply, request) => {
        upstream.setReply(() => reply);
        const response = await ask({ ...request, stream: true, stream_options: { include_usage: true } });
        expect(response.status).toBe(200);
        expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
        const events: string[] = [];
        const parser = createParser({ onEvent: ({ data }) => events.push(data) });
        parser.feed(await response.text());
        expect(events.pop()).toBe('[DONE]');
        expect(events.length).toBeGreaterThan(1);
        const chunks = events.map((event) => JSON.parse(event) as Record<string, unknown>);
        for (const chunk of chunks) expectValid('CreateChatCompletionStreamResponse', asPublished(chunk));
        expect(chunks.at(-1)).toMatchObject({ choices: [], usage: expect.any(Object) as object });
      });

      it('errors before any byte', async () => {
        for (const body of [{ messages: [] }, { model: 'gpt-97' }, { temperature: 9 }]) {
          expectValid('ErrorResponse', await (await ask(body)).json());
        }
        for (const status of [400, 401, 404, 500]) {
          upstream.failNext({ kind: 'status', status });
          const response = await ask({});
          expect(response.status).toBeGreaterThanOrEqual(400);
          expectValid('ErrorResponse', await response.json());
        }
      });

      it('the list of models, and one', async () => {
        expectValid('ListModelsResponse', await (await router.fetch('/v1/models')).json());
        expectValid('Model', await (await router.fetch(`/v1/models/${MODELS[api]}`)).json());
      });
    });
  },
);
