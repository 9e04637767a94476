import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { RouterService, Surface } from 'nestjs-llm-router';
import { createScriptedUpstream, LlmRouterTestingModule } from 'nestjs-llm-router/testing';
import { createRouterApp, PLATFORMS } from './support/router-app.js';

const ask = { messages: [{ role: 'user' as const, content: 'Hello?' }] };

@Surface('support')
@Injectable()
class Base {
  constructor(readonly router: RouterService) {}

  async answer(): Promise<string> {
    return (await this.router.chat(ask)).routing.surface;
  }
}

@Surface('legal')
@Injectable()
class OfAnotherSurface extends Base {
  override async answer(): Promise<string> {
    return super.answer();
  }
}

@Injectable()
class WithASurfaceOnTheMethod extends Base {
  @Surface('legal')
  override async answer(): Promise<string> {
    return super.answer();
  }
}

@Injectable()
class InsideRunWith extends Base {
  override async answer(): Promise<string> {
    return this.router.runWith({ surface: 'legal' }, () => super.answer());
  }
}

/** One for all who read it: each reading asks for whoever reads. */
class Feed {
  #readings = 0;

  constructor(private readonly router: RouterService) {}

  get readings(): number {
    return this.#readings;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string> {
    this.#readings += 1;
    yield (await this.router.chat(ask)).routing.surface;
  }

  async first(): Promise<string> {
    for await (const surface of this) return surface;
    return '';
  }
}

@Injectable()
class Feeds {
  readonly feed: Feed;

  constructor(private readonly router: RouterService) {
    this.feed = new Feed(router);
  }

  @Surface('support')
  support(): Feed {
    return this.feed;
  }

  @Surface('legal')
  legal(): Feed {
    return this.feed;
  }

  @Surface('legal')
  frozen(): AsyncGenerator<string> {
    return Object.freeze(this.feed[Symbol.asyncIterator]());
  }
}

async function firstOf(readings: AsyncIterable<string>): Promise<string> {
  for await (const surface of readings) return surface;
  throw new Error('nothing came');
}

describe('surfaces that must not cross', () => {
  const modules: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    await Promise.all(modules.splice(0).map((module) => module.close()));
  });

  async function open<Type>(type: new (router: RouterService) => Type): Promise<Type> {
    const module = await Test.createTestingModule({
      imports: [LlmRouterTestingModule.forRoot({ surfaces: { support: {}, legal: {} } })],
      providers: [type],
    }).compile();
    modules.push(module);
    await module.init();
    return module.get(type);
  }

  it.each([OfAnotherSurface, WithASurfaceOnTheMethod, InsideRunWith])(
    'a `super` call of %o stays in the surface of the subclass',
    async (type) => {
      expect(await (await open(type)).answer()).toBe('legal');
    },
  );

  it('the base class itself keeps its own', async () => {
    expect(await (await open(Base)).answer()).toBe('support');
  });

  it('what two methods share is read in the surface of the one that returned it', async () => {
    const feeds = await open(Feeds);
    const [support, legal] = [feeds.support(), feeds.legal()];
    expect(await Promise.all([firstOf(support), firstOf(legal), firstOf(feeds.feed)])).toEqual([
      'support',
      'legal',
      'none',
    ]);
    expect(support).toBeInstanceOf(Feed);
    // Private members work through what is handed out, and it is one object behind it.
    expect([support.readings, legal.readings, feeds.feed.readings]).toEqual([3, 3, 3]);
    expect(await firstOf(feeds.frozen())).toBe('legal');
  });
});

describe.each(PLATFORMS)('a @Surface on the router’s own controllers on %s', (platform) => {
  it('holds whatever a header says', async () => {
    const upstream = await createScriptedUpstream({ api: 'openai' });
    const model = (quality: number) => ({ provider: 'up', quality, contextWindow: 8_000, capabilities: [] });
    const router = await createRouterApp({
      platform,
      http: { decorators: [Surface('support', { qualityFloor: 0.45 })] },
      options: {
        providers: { up: { api: 'openai-compatible', baseUrl: upstream.baseUrl } },
        models: { bare: model(0.2), plain: model(0.5) },
        routingRules: { simple_queries: { primary: 'bare', fallback: 'plain' } },
        surfaces: { support: {}, cheap: {} },
      },
    });
    try {
      for (const headers of [
        {},
        { 'x-llm-surface': 'cheap' },
        { 'x-llm-surface': 'cheap', 'x-llm-workload': 'background' },
      ]) {
        const response = await router.postJson(
          '/v1/chat/completions',
          ask,
          headers as Record<string, string>,
        );
        expect(response.headers.get('x-llm-model')).toBe('plain');
      }
      const explained = await router.postJson('/router/explain', ask, { 'x-llm-surface': 'cheap' });
      expect(await explained.json()).toMatchObject({ plan: { attempts: [{ model: 'plain' }] } });
    } finally {
      await router.close();
      await upstream.close();
    }
  });

  it('is a surface the key must allow', async () => {
    const upstream = await createScriptedUpstream({ api: 'openai' });
    const router = await createRouterApp({
      platform,
      http: { decorators: [Surface('support')] },
      options: {
        providers: { openai: { api: 'openai', baseUrl: upstream.baseUrl } },
        routingRules: { simple_queries: { primary: 'gpt-4o-mini' } },
        surfaces: { support: {}, cheap: {} },
        http: {
          apiKeys: [
            { key: 'for-cheap', surfaces: ['cheap'] },
            { key: 'for-support', surfaces: ['support'] },
          ],
        },
      },
    });
    try {
      const post = async (key: string) =>
        (await router.postJson('/v1/chat/completions', ask, { authorization: `Bearer ${key}` })).status;
      expect(await post('for-support')).toBe(200);
      expect(await post('for-cheap')).toBe(403);
    } finally {
      await router.close();
      await upstream.close();
    }
  });
});
