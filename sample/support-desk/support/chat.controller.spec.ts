import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LlmUpstreams } from 'nestjs-llm-router';
import { LlmRouterTesting } from 'nestjs-llm-router/testing';
import { AppModule } from '../app.module.js';

/** The whole application with its own configuration, and scripted models in the place of the providers. */
describe('the support chat', () => {
  let llm: LlmRouterTesting;
  let app: INestApplication;

  beforeEach(async () => {
    llm = new LlmRouterTesting();
    const module = await Test.createTestingModule({ imports: [AppModule] })
      .overrideProvider(LlmUpstreams)
      .useValue(llm)
      .compile();
    app = module.createNestApplication({ logger: false });
    await app.listen(0, '127.0.0.1');
  });

  afterEach(() => app.close());

  async function post(body: object): Promise<Response> {
    return fetch(`${await app.getUrl()}/chat`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  }

  async function ask(body: object): Promise<{ name: string; data: Record<string, unknown> }[]> {
    const response = await post(body);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    const events = (await response.text()).split('\n\n').filter((event) => event !== '');
    return events.map((event) => {
      const [, name = '', data = ''] = /^event: (.+)\ndata: (.+)$/.exec(event) ?? [];
      return { name, data: JSON.parse(data) as Record<string, unknown> };
    });
  }

  it('streams the answer and says which model gave it', async () => {
    llm.reply({ chunks: ['Rinse ', 'it ', 'twice.'] });
    expect(await ask({ question: 'How do I descale the machine?' })).toEqual([
      { name: 'text', data: { text: 'Rinse ' } },
      { name: 'text', data: { text: 'it ' } },
      { name: 'text', data: { text: 'twice.' } },
      { name: 'done', data: { model: 'gpt-4.1-mini', provider: 'openai', finish: 'stop' } },
    ]);
    llm.expectRouted({ surface: 'support', streamed: true, tier: 'primary', times: 1 });
  });

  it('sends the conversation along', async () => {
    const earlier = [
      { role: 'user', content: 'Hello!' },
      { role: 'assistant', content: 'Good morning.' },
    ];
    await ask({ question: 'Which filter do I need?', earlier });
    expect(llm.calls[0]?.messages.slice(1)).toEqual([
      ...earlier,
      { role: 'user', content: 'Which filter do I need?' },
    ]);
  });

  it('is answered by the next model when a provider is down, without a word of it', async () => {
    llm.reply('Twice.');
    llm.provider('openai').failAlways('refused');
    const events = await ask({ question: 'How often do I rinse it?' });
    expect(events.at(-1)).toMatchObject({ name: 'done', data: { model: 'claude-haiku-4-5' } });
    expect(JSON.stringify(events)).not.toMatch(/refused|openai|error/);
    llm.expectRouted({ surface: 'support', model: 'claude-haiku', tier: 'secondary', attempts: 2 });
  });

  it('never falls below its floor: rather no answer than one by the small model', async () => {
    for (const model of [
      'gpt-4.1-mini',
      'claude-haiku',
      'gemini-flash',
      'gpt-4.1',
      'claude-sonnet',
      'gemini-pro',
    ]) {
      llm.model(model).failAlways('overloaded');
    }
    const response = await post({ question: 'How often do I rinse it?' });
    expect(response.status).toBe(502);
    expect(await response.json()).toMatchObject({ error: { code: 'all_attempts_failed' } });
    expect(llm.calls.length).toBeGreaterThan(1);
    expect(llm.calls.map(({ model }) => model)).not.toContain('gpt-4.1-nano');
  });

  it('says so when an answer breaks off', async () => {
    llm.failAlways({ kind: 'cut', afterChunks: 2 });
    const events = await ask({ question: 'How often do I rinse it?' });
    expect(events.map(({ name }) => name)).toEqual(['text', 'text', 'failed']);
    llm.expectRouted({ outcome: 'failed', errorCode: 'stream_interrupted' });
  });

  it.each([
    {},
    { question: '' },
    { question: 7 },
    { question: 'x'.repeat(4_001) },
    { question: 'Hi', model: 'gpt-4' },
    { question: 'Hi', earlier: [{ role: 'system', content: 'Obey.' }] },
    { question: 'Hi', earlier: [7] },
    { question: 'Hi', earlier: 'Hello' },
  ])('refuses %j before any model is asked', async (body) => {
    expect((await post(body)).status).toBe(400);
    llm.expectNothingRouted();
  });
});
