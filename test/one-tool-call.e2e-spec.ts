import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createScriptedUpstream, type ScriptedUpstream } from 'nestjs-llm-router/testing';
import { createRouterApp, PLATFORMS, type RouterApp } from './support/router-app.js';

const WIRES = [
  ['openai', 'gpt-4o-mini'],
  ['anthropic', 'claude-haiku-4-5'],
  ['gemini', 'gemini-2.5-flash'],
] as const;

const CALLS = [
  { name: 'one', arguments: { a: 1 } },
  { name: 'two', arguments: { b: 2 } },
  { name: 'one', arguments: {} },
];
const TOOLS: OpenAI.ChatCompletionTool[] = ['one', 'two'].map((name) => ({
  type: 'function',
  function: { name, parameters: { type: 'object', properties: {} } },
}));

/** A model that calls several tools at once, whether it was told not to or not. */
describe.each(PLATFORMS)('a client that takes one tool call a turn, on %s', (platform) => {
  describe.each(WIRES)('over the %s wire', (api, model) => {
    let upstream: ScriptedUpstream;
    let router: RouterApp;
    beforeAll(async () => {
      upstream = await createScriptedUpstream({ api, reply: () => ({ text: 'Well.', toolCalls: CALLS }) });
      router = await createRouterApp({
        platform,
        options: {
          providers: { [api]: { api, baseUrl: upstream.baseUrl, apiKey: 'k' } },
          routingRules: { simple_queries: { primary: model } },
        },
      });
    });
    afterAll(async () => {
      await router.close();
      await upstream.close();
    });

    it.each([true, false, undefined])(
      'gets as many as it takes (parallel_tool_calls: %s)',
      async (parallel) => {
        const request = {
          model: 'auto',
          messages: [{ role: 'user' as const, content: 'Go.' }],
          tools: TOOLS,
          ...(parallel === undefined ? {} : { parallel_tool_calls: parallel }),
        };
        const whole = await router.client.chat.completions.create(request);
        const streamed = await router.client.chat.completions.stream(request).finalChatCompletion();
        for (const { choices } of [whole, streamed]) {
          const { message, finish_reason: reason } = choices[0]!;
          expect(message.content).toBe('Well.');
          expect(reason).toBe('tool_calls');
          const called = (message.tool_calls ?? []).map((call) =>
            call.type === 'function'
              ? { name: call.function.name, arguments: JSON.parse(call.function.arguments) as unknown }
              : call,
          );
          expect(called).toEqual(parallel === false ? CALLS.slice(0, 1) : CALLS);
        }
      },
    );
  });
});
