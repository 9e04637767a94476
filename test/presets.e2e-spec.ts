import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { LlmRouterOptions } from 'nestjs-llm-router';
import { createScriptedUpstream, type ScriptedUpstream } from 'nestjs-llm-router/testing';
import { createRouterApp, PLATFORMS, type RouterApp } from './support/router-app.js';

type Name = 'mistral' | 'deepseek' | 'ollama';

const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const format = { type: 'json_schema' as const, json_schema: { name: 'place', schema } };
const NOW = { type: 'function' as const, function: { name: 'now', description: 'The time' } };

/** Fields that OpenAI would like to see go, and every client goes on sending. */
const older = { seed: 7, user: 'u-1' };

/** What an OpenAI client has in its history after another provider's answer. */
const history = [
  { role: 'developer' as const, content: 'Be brief.' },
  { role: 'user' as const, content: 'What time is it?', name: 'ada' },
  {
    role: 'assistant' as const,
    content: null,
    refusal: null,
    reasoning_content: 'I need the time.',
    tool_calls: [
      { id: 'call_1', type: 'function' as const, function: { name: 'now', arguments: '{}' } },
      { id: 'call_2', type: 'function' as const, function: { name: 'now', arguments: '{}' } },
    ],
  },
  { role: 'tool' as const, tool_call_id: 'call_2', content: '10:31' },
  { role: 'tool' as const, tool_call_id: 'call_1', content: '10:30' },
];

function optionsOf(upstreams: Readonly<Record<Name, ScriptedUpstream>>): LlmRouterOptions {
  const { mistral, deepseek, ollama } = upstreams;
  return {
    clientModel: 'binding',
    providers: {
      mistral: { api: 'mistral', baseUrl: mistral.baseUrl, apiKey: 'k1' },
      deepseek: { api: 'deepseek', baseUrl: deepseek.baseUrl, apiKey: 'k2' },
      ollama: { api: 'ollama', baseUrl: ollama.baseUrl },
    },
    models: {
      'deepseek-v4-pro': { capabilities: ['streaming', 'tools', 'json_schema', 'reasoning'] },
      local: { provider: 'ollama', upstreamModel: 'gpt-oss:20b', contextWindow: 8_192, quality: 0.5 },
    },
    routingRules: { simple_queries: { primary: ['mistral-large-2512', 'deepseek-v4-pro', 'local'] } },
  };
}

describe.each(PLATFORMS)('presets on %s', (platform) => {
  let upstreams: Record<Name, ScriptedUpstream>;
  let router: RouterApp;

  const bodyOf = (name: Name): Record<string, unknown> => upstreams[name].requests.at(-1)!.body;

  beforeAll(async () => {
    const [mistral, deepseek, ollama] = await Promise.all([
      createScriptedUpstream({ api: 'openai', requireKey: 'k1', allowUnknownFields: true }),
      createScriptedUpstream({ api: 'openai', requireKey: 'k2', allowUnknownFields: true }),
      createScriptedUpstream({ api: 'openai' }),
    ]);
    upstreams = { mistral, deepseek, ollama };
    router = await createRouterApp({ platform, options: optionsOf(upstreams) });
  });

  afterEach(async () => {
    await Promise.all(Object.values(upstreams).map((upstream) => upstream.heal()));
  });

  afterAll(async () => {
    await router.close();
    await Promise.all(Object.values(upstreams).map((upstream) => upstream.close()));
  });

  it('Mistral, a model of the catalogue by its name, gets nothing it would refuse', async () => {
    upstreams.mistral.setReply(() => ({ text: 'Half past ten.' }));
    const { data, response } = await router.client.chat.completions
      .create({
        model: 'mistral-large-2512',
        messages: history,
        tools: [NOW],
        tool_choice: 'required',
        max_completion_tokens: 50,
        ...older,
        store: false,
        frequency_penalty: 0,
      })
      .withResponse();
    expect(data.choices[0]?.message.content).toBe('Half past ten.');
    expect(response.headers.get('x-llm-provider')).toBe('mistral');
    expect(Number(response.headers.get('x-llm-cost-usd'))).toBeGreaterThan(0);
    const body = bodyOf('mistral');
    const [system, user, asked, second, first] = body.messages as Record<string, unknown>[];
    const ids = (asked!.tool_calls as { id: string }[]).map(({ id }) => id);
    expect(ids.every((id) => /^[a-zA-Z0-9]{9}$/.test(id))).toBe(true);
    expect([first!.tool_call_id, second!.tool_call_id]).toEqual(ids);
    expect([system, user]).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'What time is it?' },
    ]);
    expect(Object.keys(asked!).sort()).toEqual(['content', 'role', 'tool_calls']);
    expect(body).toMatchObject({ model: 'mistral-large-2512', max_tokens: 50, random_seed: 7 });
    expect(body.tool_choice).toBe('any');
    for (const field of ['max_completion_tokens', 'seed', 'user', 'store', 'stream_options']) {
      expect(body).not.toHaveProperty(field);
    }
  });

  it('a stream of Mistral reports its usage unasked', async () => {
    const stream = await router.client.chat.completions.create({
      model: 'mistral-large-2512',
      messages: [{ role: 'user', content: 'Hi' }],
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = '';
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
    expect(text).not.toBe('');
    expect(bodyOf('mistral')).toMatchObject({ stream: true });
    expect(bodyOf('mistral')).not.toHaveProperty('stream_options');
  });

  it('DeepSeek gets the thinking of the turn back, and a schema in words', async () => {
    upstreams.deepseek.setReply(() => ({ text: '{"city":"Paris"}' }));
    const completion = await router.client.chat.completions.create({
      model: 'deepseek-v4-pro',
      messages: history,
      tools: [NOW],
      response_format: format,
      reasoning_effort: 'none',
    });
    expect(completion.choices[0]?.message.content).toBe('{"city":"Paris"}');
    const body = bodyOf('deepseek');
    const [system, , asked] = body.messages as Record<string, unknown>[];
    expect(system).toMatchObject({ role: 'system' });
    expect(system!.content).toMatch(/^Be brief\.\n\n/);
    expect(system!.content).toContain(JSON.stringify(schema));
    expect(asked).toMatchObject({ reasoning_content: 'I need the time.' });
    expect(asked!.tool_calls).toMatchObject([{ id: 'call_1' }, { id: 'call_2' }]);
    expect(body).toMatchObject({ response_format: { type: 'json_object' }, thinking: { type: 'disabled' } });
    expect(body).not.toHaveProperty('reasoning_effort');
  });

  it('Ollama is called without a key, by the words it reads', async () => {
    upstreams.ollama.setReply(() => ({ text: 'Yes.' }));
    await router.client.chat.completions.create({
      model: 'local',
      messages: history,
      tools: [NOW],
      response_format: format,
      max_completion_tokens: 9,
      n: 1,
    });
    const { body, headers } = upstreams.ollama.requests.at(-1)!;
    expect(headers.authorization).toBeUndefined();
    const [system, , asked] = body.messages as Record<string, unknown>[];
    expect(system).toEqual({ role: 'system', content: 'Be brief.' });
    expect(asked).toMatchObject({ reasoning: 'I need the time.' });
    expect(body).toMatchObject({ model: 'gpt-oss:20b', max_tokens: 9, response_format: format });
    expect(body).not.toHaveProperty('n');
  });

  it('what a provider lacks is the business of another', async () => {
    upstreams.ollama.setReply(() => ({ text: 'Not me.' }));
    const error: unknown = await router.client.chat.completions
      .create({
        model: 'local',
        messages: [{ role: 'user', content: 'Hi' }],
        logit_bias: { 50256: -100 },
      })
      .then(
        () => undefined,
        (reason: unknown) => reason,
      );
    expect(error).toMatchObject({ status: 400, param: 'logit_bias' });
    expect(upstreams.ollama.requests.some(({ body }) => 'logit_bias' in body)).toBe(false);
  });
});
