import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type LlmRouterOptions, RouterService } from 'nestjs-llm-router';
import { createScene, type Scene } from './support/scene.js';

/** Everyday talk, and exam questions: two kinds of traffic with scores of their own. */
const CHAT = [
  'Hello',
  'Thanks a lot',
  'What time is it?',
  'Where is my parcel?',
  'Who won?',
  'Tell me a joke',
];
const EXAMS = [
  'Prove that 2 is prime.',
  'Compare both models and justify your choice.',
  'Show that the sum is even.',
  'Design a schema, explain the trade-offs and analyze the risks.',
  'Derive the variance of the estimator, step by step.',
  'Why does this deadlock? Explain how to avoid it.',
];

const REQUESTS = 400;

describe('The share of traffic that goes to the strong model', () => {
  let scene: Scene<'small' | 'large'>;
  let router: RouterService;
  let options: Parameters<typeof createScene>[0]['options'];

  beforeEach(async () => {
    options = {
      routingRules: { simple_queries: { primary: 'small' }, complex_reasoning: { primary: 'large' } },
      surfaces: {
        chat: {},
        exams: {},
        fixed: { classification: { threshold: 1 } },
        half: { classification: { share: 0.5 } },
      },
      classification: { share: 0.3 },
    };
    scene = await createScene({ upstreams: { small: { api: 'openai' }, large: { api: 'openai' } }, options });
    router = scene.app.get(RouterService);
  });

  afterEach(async () => {
    await scene.close();
  });

  const prompt = (kind: readonly string[], index: number): string =>
    `${kind[(index * 7) % kind.length] ?? ''} ${'and so on '.repeat(index % 13)}`;

  async function send(surface: string, kind: readonly string[], count: number): Promise<number> {
    let hard = 0;
    for (let index = 0; index < count; index += 1) {
      const messages = [{ role: 'user' as const, content: prompt(kind, index) }];
      const { routing } = await router.chat({ messages }, { surface });
      expect(routing.model).toBe(routing.requestClass === 'complex_reasoning' ? 'large' : 'small');
      if (routing.model === 'large') hard += 1;
    }
    return hard / count;
  }

  it('is held on each surface by itself, whatever kind of traffic it has', async () => {
    expect(Math.abs((await send('chat', CHAT, REQUESTS)) - 0.3)).toBeLessThan(0.05);
    expect(Math.abs((await send('exams', EXAMS, REQUESTS)) - 0.3)).toBeLessThan(0.05);
    expect(Math.abs((await send('half', EXAMS, REQUESTS)) - 0.5)).toBeLessThan(0.05);
    expect(await send('fixed', EXAMS, 20)).toBe(0);
    // One kind all alike.
    expect(Math.abs((await send('chat', ['Hello'], REQUESTS)) - 0.3)).toBeLessThan(0.05);
  });

  it('is learned from traffic alone, and kept over a reload', async () => {
    const explain = (surface = 'chat') =>
      router.explain({ messages: [{ role: 'user', content: 'Hello' }] }, { surface }).classification;
    for (let index = 0; index < 100; index += 1) explain();
    const unlearned = ['the threshold is not learned yet'];
    expect(explain().notes).toEqual(unlearned);
    // Whoever names a rule is no part of the traffic that classes serve.
    for (let index = 0; index < 60; index += 1) {
      const messages = [{ role: 'user' as const, content: prompt(EXAMS, index) }];
      await router.chat({ model: 'simple_queries', messages }, { surface: 'chat' });
    }
    expect(explain().notes).toEqual(unlearned);

    await send('chat', CHAT, 60);
    const learned = explain();
    expect(learned.notes).toEqual(['the threshold is learned']);
    expect(explain('exams').notes).toEqual(unlearned);
    expect(explain('exams').threshold).not.toBe(learned.threshold);
    expect(explain()).toEqual(learned);

    const raw = JSON.parse(JSON.stringify(scene.engine.configuration)) as LlmRouterOptions;
    await router.reconfigure({ ...raw, clientModel: 'binding' });
    expect(explain()).toEqual(learned);
    delete raw.surfaces!.chat;
    await router.reconfigure(raw);
    await router.reconfigure({ ...raw, surfaces: { ...raw.surfaces, chat: {} } });
    expect(explain().notes).toEqual(unlearned);
  });
});
