import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createScriptedUpstream, type ScriptedUpstream, type UpstreamApi } from 'nestjs-llm-router/testing';
import { createRouterApp, PLATFORMS, type RouterApp } from './support/router-app.js';

const MODELS: Record<UpstreamApi, string> = {
  openai: 'gpt-4o-mini',
  'azure-openai': 'gpt-4o-mini',
  anthropic: 'claude-haiku-4-5',
  gemini: 'gemini-2.5-flash',
};

const WEATHER: OpenAI.ChatCompletionTool = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'The weather at a place',
    parameters: {
      type: 'object',
      properties: { city: { type: 'string' } },
      required: ['city'],
    },
  },
};

describe.each(PLATFORMS)('chat completions on %s', (platform) => {
  describe.each(['openai', 'azure-openai', 'anthropic', 'gemini'] as const)('over the %s wire', (api) => {
    let upstream: ScriptedUpstream;
    let router: RouterApp;
    const model = MODELS[api];

    beforeAll(async () => {
      upstream = await createScriptedUpstream({ api });
      router = await createRouterApp({
        platform,
        options: {
          providers: { upstream: { api, baseUrl: upstream.baseUrl, apiKey: 'test-key' } },
          models: { [model]: { provider: 'upstream' } },
          routingRules: { simple_queries: { primary: model } },
        },
      });
    });

    afterAll(async () => {
      await router.close();
      await upstream.close();
    });

    it('answers the official client', async () => {
      upstream.setReply(() => ({ text: 'Paris.', usage: { promptTokens: 12, completionTokens: 3 } }));
      const { data, response } = await router.client.chat.completions
        .create({ model: 'auto', messages: [{ role: 'user', content: 'What is the capital of France?' }] })
        .withResponse();
      expect(data.choices[0]?.message.content).toBe('Paris.');
      expect(data.choices[0]?.finish_reason).toBe('stop');
      expect(data.usage).toMatchObject({ prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 });
      expect(response.headers.get('x-llm-model')).toBe(model);
      expect(response.headers.get('x-llm-provider')).toBe('upstream');
      expect(response.headers.get('x-llm-tier')).toBe('primary');
      expect(response.headers.get('x-llm-class')).toBe('simple_queries');
      expect(response.headers.get('x-llm-attempts')).toBe('1');
      expect(response.headers.get('x-llm-decision-id')).toMatch(/^dec_[0-9a-f]{32}$/);
      expect(Number(response.headers.get('x-llm-cost-usd'))).toBeGreaterThan(0);
    });

    it('streams to the official client, in order, with usage only when asked for', async () => {
      upstream.setReply(() => ({ text: 'one two three four five six' }));
      for (const includeUsage of [false, true]) {
        const stream = await router.client.chat.completions.create({
          model: 'auto',
          messages: [{ role: 'user', content: 'Count' }],
          stream: true,
          ...(includeUsage ? { stream_options: { include_usage: true } } : {}),
        });
        let text = '';
        const roles: unknown[] = [];
        const ids = new Set<string>();
        const finishes: unknown[] = [];
        let usage: OpenAI.CompletionUsage | null | undefined;
        for await (const chunk of stream) {
          ids.add(chunk.id);
          for (const choice of chunk.choices) {
            text += choice.delta.content ?? '';
            if (choice.delta.role) roles.push(choice.delta.role);
            if (choice.finish_reason) finishes.push(choice.finish_reason);
          }
          usage = chunk.usage ?? usage;
        }
        expect(text).toBe('one two three four five six');
        expect(roles).toEqual(['assistant']);
        expect(ids.size).toBe(1);
        expect(finishes).toEqual(['stop']);
        if (includeUsage) expect(usage?.completion_tokens).toBeGreaterThan(0);
        else expect(usage ?? null).toBeNull();
      }
    });

    it.each([false, true])('carries a tool round trip (stream: %s)', async (stream) => {
      upstream.setReply(({ body }) =>
        JSON.stringify(body).includes('sunny')
          ? { text: 'It is sunny in Lyon.' }
          : { toolCalls: [{ name: 'get_weather', arguments: { city: 'Lyon' } }] },
      );
      const question: OpenAI.ChatCompletionMessageParam = { role: 'user', content: 'Weather in Lyon?' };
      const first = router.client.chat.completions;
      const asked = stream
        ? await first.stream({ model: 'auto', messages: [question], tools: [WEATHER] }).finalChatCompletion()
        : await first.create({ model: 'auto', messages: [question], tools: [WEATHER] });
      const choice = asked.choices[0]!;
      expect(choice.finish_reason).toBe('tool_calls');
      const call = choice.message.tool_calls![0]!;
      expect(call.type).toBe('function');
      expect(call).toMatchObject({ function: { name: 'get_weather' } });
      expect(JSON.parse((call as OpenAI.ChatCompletionMessageFunctionToolCall).function.arguments)).toEqual({
        city: 'Lyon',
      });
      const answered = await router.client.chat.completions.create({
        model: 'auto',
        messages: [question, choice.message, { role: 'tool', tool_call_id: call.id, content: 'sunny' }],
        tools: [WEATHER],
      });
      expect(answered.choices[0]?.message.content).toBe('It is sunny in Lyon.');
    });

    it('gives a caller-fault 400 back, and 502 for a refused key of ours', async () => {
      upstream.failNext({ kind: 'status', status: 400 });
      const ask = (): Promise<unknown> =>
        router.client.chat.completions.create({ model: 'auto', messages: [{ role: 'user', content: 'x' }] });
      await expect(ask()).rejects.toMatchObject({ status: 400 });
      upstream.failNext({ kind: 'status', status: 401 });
      await expect(ask()).rejects.toMatchObject({ status: 502, code: 'all_attempts_failed' });
    });
  });
});
