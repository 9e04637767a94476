import { afterEach, describe, expect, it } from 'vitest';
import { ConfigurationError, type LlmRouterOptions, RouterService } from 'nestjs-llm-router';
import { createScriptedUpstream } from 'nestjs-llm-router/testing';
import { LogCollector } from './support/log-collector.js';
import { createRouterApp } from './support/router-app.js';
import { createScene, type Scene } from './support/scene.js';

const HARD = 'Prove by induction that the sum of the first n odd numbers is n squared, step by step.';
const EASY = 'Thanks, have a nice day!';
const SOME_NUMBER: unknown = expect.any(Number);

const ask = (content: string, more: object = {}) => ({
  messages: [{ role: 'user' as const, content }],
  ...more,
});

const RULES = {
  simple_queries: { primary: 'small' },
  complex_reasoning: { primary: 'large' },
  legal_review: { primary: 'lawyer' },
  reports: { primary: 'writer' },
};

type Classification = NonNullable<LlmRouterOptions['classification']>;

describe('Classes of the user’s own', () => {
  let scene: Scene<'small' | 'large' | 'lawyer' | 'writer'>;

  const open = async (classification: Classification): Promise<typeof scene> => {
    scene = await createScene({
      upstreams: {
        small: { api: 'openai' },
        large: { api: 'openai' },
        lawyer: { api: 'anthropic' },
        writer: { api: 'gemini' },
      },
      options: { routingRules: RULES, surfaces: { legal: {}, shop: {} }, classification },
    });
    return scene;
  };

  afterEach(async () => {
    await scene.close();
  });

  it('are told by conditions of which all must hold, in the order written', async () => {
    await open({
      classes: {
        legal_review: { when: { surfaces: ['legal'], words: ['contract', 'force majeure', '契約'] } },
        reports: { when: { surfaces: ['legal'], minCharacters: 40 } },
        complex_reasoning: { when: { languages: ['de'], tools: false } },
      },
    });
    const classOf = async (content: string, surface?: string, more: object = {}): Promise<string | null> => {
      const answer = await scene.ask('auto', {
        ...(surface === undefined ? {} : { headers: { 'x-llm-surface': surface } }),
        body: ask(content, more),
      });
      expect(answer.status).toBe(200);
      return answer.headers.get('x-llm-class');
    };
    expect(await classOf('Is this CONTRACT fine?', 'legal')).toBe('legal_review');
    expect(await classOf('Is this force\n majeure?', 'legal')).toBe('legal_review');
    expect(await classOf('この契約を見てください', 'legal')).toBe('legal_review');
    expect(await classOf('We are contractors.', 'legal')).toBe('simple_queries');
    expect(await classOf('Is this contract fine?', 'shop')).toBe('simple_queries');
    expect(await classOf('Is this contract fine?')).toBe('simple_queries');
    expect(await classOf('What is the weather like in the mountains today?', 'legal')).toBe('reports');
    expect(await classOf('Wie ist das Wetter bei euch und wann kommst du nach Hause?')).toBe(
      'complex_reasoning',
    );
    const tools = [{ type: 'function', function: { name: 'look_up', parameters: { type: 'object' } } }];
    expect(
      await classOf('Wie ist das Wetter bei euch und wann kommst du nach Hause?', undefined, { tools }),
    ).toBe('simple_queries');
    expect(scene.calls('lawyer')).toBe(3);
  });

  it('are told by tenants and by the tools that are offered', async () => {
    await open({
      classes: {
        legal_review: { when: { tenants: ['acme'] } },
        reports: { when: { tools: ['write_report'] } },
      },
    });
    const router = scene.app.get(RouterService);
    const tool = (name: string) => ({
      tools: [{ type: 'function' as const, function: { name, parameters: { type: 'object' } } }],
    });
    const classOf = (more: object, tenant?: string) =>
      router.explain(ask(EASY, more), tenant === undefined ? {} : { tenant }).classification.class;
    expect(classOf({}, 'acme')).toBe('legal_review');
    expect(classOf({}, 'acme2')).toBe('simple_queries');
    expect(classOf(tool('write_report'))).toBe('reports');
    expect(classOf(tool('write_reports'))).toBe('simple_queries');
  });

  it('are told by functions; one that throws, or answers no boolean, matches nothing and is counted', async () => {
    const seen: unknown[] = [];
    await open({
      classes: {
        legal_review: {
          matches: (input) => {
            seen.push({ ...input, tools: input.tools, language: input.language });
            if (input.text.includes('throw')) throw new Error('canary-8841');
            return input.text.includes('odd') ? ('yes' as unknown as boolean) : input.text.includes('law');
          },
        },
        reports: { when: { surfaces: ['shop'] }, matches: ({ tenant }) => tenant === 'acme' },
      },
    });
    const faults: object[] = [];
    scene.engine.bus.on('plug-in-failed', (fault) => faults.push(fault));
    const router = scene.app.get(RouterService);
    const classOf = async (content: string, options: object = {}): Promise<object> => {
      const { routing } = await router.chat(ask(content), options);
      return { class: routing.requestClass, by: routing.classifiedBy, threshold: routing.threshold };
    };
    expect(await classOf('What is the law?', { surface: 'shop' })).toEqual({
      class: 'legal_review',
      by: 'class',
      threshold: SOME_NUMBER,
    });
    expect(seen.at(-1)).toMatchObject({
      surface: 'shop',
      workload: 'interactive',
      tenant: undefined,
      text: 'What is the law?',
      characters: 16,
      language: 'en',
      tools: [],
      messageCount: 1,
      streamed: false,
    });
    expect(await classOf('Hello', { surface: 'shop', tenant: 'acme' })).toMatchObject({ class: 'reports' });
    expect(await classOf('Hello', { surface: 'legal', tenant: 'acme' })).toMatchObject({ by: 'scorer' });
    expect(faults).toEqual([]);
    expect(await classOf('throw')).toMatchObject({ class: 'simple_queries', by: 'scorer' });
    expect(await classOf('odd')).toMatchObject({ class: 'simple_queries', by: 'scorer' });
    expect(faults).toMatchObject([
      { plugIn: 'class', kind: 'error' },
      { plugIn: 'class', kind: 'bad_answer' },
    ]);
    expect(JSON.stringify(faults)).not.toContain('canary-8841');
  });

  it('take nothing from a request that names its rule or model', async () => {
    let asked = 0;
    await open({
      classes: { legal_review: { when: { surfaces: ['legal'] } } },
      classifier: {
        classify: () => {
          asked += 1;
          return { class: 'reports' };
        },
      },
    });
    const served = async (model: string, surface = 'legal'): Promise<string | null> =>
      (await scene.ask(model, { headers: { 'x-llm-surface': surface }, body: ask(HARD) })).headers.get(
        'x-llm-model',
      );
    expect(await served('auto')).toBe('lawyer');
    expect(await served('simple_queries')).toBe('small');
    expect(await served('simple_queries', 'shop')).toBe('small');
    expect(asked).toBe(0);
    expect(await served('auto', 'shop')).toBe('writer');
    expect(await served('large', 'shop')).toBe('writer');
    expect(asked).toBe(2);
  });

  describe('a classifier of one’s own', () => {
    it('decides, has no opinion, throws, takes too long or talks nonsense: no request fails for it', async () => {
      const answers: Record<string, () => unknown> = {
        ready: () => ({ class: 'reports', score: 0.9 }),
        later: () => Promise.resolve({ class: 'legal_review' }),
        silent: () => undefined,
        throwing: () => {
          throw new Error('canary-8842');
        },
        rejecting: () => Promise.reject(new Error('canary-8842')),
        nonsense: () => ({ class: '__proto__' }),
        offscale: () => ({ class: 'reports', score: 7 }),
        hanging: () => new Promise(() => undefined),
      };
      let aborted = 0;
      await open({
        classifier: {
          timeoutMs: 40,
          classify: ({ text }, { signal }) => {
            signal.addEventListener('abort', () => (aborted += 1));
            return answers[text]?.() as never;
          },
        },
      });
      const kinds: string[] = [];
      scene.engine.bus.on('plug-in-failed', ({ plugIn, kind }) => kinds.push(`${plugIn} ${kind}`));
      const router = scene.app.get(RouterService);
      const decide = async (content: string): Promise<unknown[]> => {
        const { routing } = await router.chat(ask(content));
        return [routing.requestClass, routing.classifiedBy, routing.model];
      };
      expect(await decide('ready')).toEqual(['reports', 'custom', 'writer']);
      expect(await decide('later')).toEqual(['legal_review', 'custom', 'lawyer']);
      expect(await decide('silent')).toEqual(['simple_queries', 'scorer', 'small']);
      expect(kinds).toEqual([]);
      for (const content of ['throwing', 'nonsense', 'ready', 'rejecting', 'offscale', 'hanging']) {
        const decided = await decide(content);
        if (content !== 'ready') expect(decided).toEqual(['simple_queries', 'scorer', 'small']);
      }
      expect(kinds).toEqual([
        'classifier error',
        'classifier bad_answer',
        'classifier error',
        'classifier bad_answer',
        'classifier timeout',
      ]);
      expect(aborted).toBe(1);
    });

    it('is left alone after many faults, and not asked by `explain`', async () => {
      let asked = 0;
      await open({
        classifier: {
          classify: () => {
            asked += 1;
            throw new Error('down');
          },
        },
      });
      const kinds: string[] = [];
      scene.engine.bus.on('plug-in-failed', ({ kind }) => kinds.push(kind));
      for (let request = 0; request < 8; request += 1) {
        expect((await scene.ask('auto', { body: ask(EASY) })).status).toBe(200);
      }
      expect(asked).toBe(5);
      expect(kinds.slice(5)).toEqual(['breaker_open', 'breaker_open', 'breaker_open']);
      const explained = scene.app.get(RouterService).explain(ask(EASY));
      expect(explained.classification).toMatchObject({
        class: 'simple_queries',
        by: 'scorer',
        threshold: SOME_NUMBER,
        notes: ['your classifier would be asked'],
      });
      expect(asked).toBe(5);
    });

    it('costs the request its own time, and no more than half of it', async () => {
      await open({
        classifier: { timeoutMs: 60_000, classify: () => new Promise(() => undefined) },
      });
      const answer = await scene.ask('auto', { body: ask(EASY), headers: { 'x-llm-deadline-ms': '600' } });
      expect(answer.status).toBe(200);
      expect(answer.tookMs).toBeGreaterThan(250);
      expect(answer.tookMs).toBeLessThan(600);
    });
  });
});

describe('Classification options at boot', () => {
  const problems = async (options: LlmRouterOptions): Promise<string[]> => {
    const error: unknown = await createRouterApp({
      platform: 'express',
      http: false,
      options: {
        providers: { one: { api: 'openai-compatible', baseUrl: 'http://127.0.0.1:9/v1' } },
        models: { only: { provider: 'one' }, vectors: { provider: 'one', capabilities: ['embeddings'] } },
        routingRules: { simple_queries: { primary: 'only' }, legal_review: { primary: 'only' } },
        surfaces: { support: {} },
        ...options,
      },
    }).then(
      async (router) => {
        await router.close();
        return undefined;
      },
      (reason: unknown) => reason,
    );
    if (error === undefined) return [];
    expect(error).toBeInstanceOf(ConfigurationError);
    return (error as ConfigurationError).issues.map(({ path, message }) => `${path}: ${message}`);
  };
  const of = (classification: object): Promise<string[]> => problems({ classification });

  it.each<[string, object, (string | RegExp)[]]>([
    ['nothing at all', {}, []],
    ['snake case', { classes: { legal_review: { when: { min_characters: 5 } } } }, []],
    [
      'a class without a rule',
      { classes: { legal_reviw: { when: { words: ['x'] } } } },
      [/^classification\.classes\.legal_reviw: there is no rule .* Did you mean "legal_review"\?$/],
    ],
    ['a class of nothing', { classes: { legal_review: {} } }, [/classes\.legal_review: says of no request/]],
    [
      'a misspelt surface',
      { classes: { legal_review: { when: { surfaces: ['suport'] } } } },
      [/when\.surfaces\[0\]: there is no surface "suport"\. Did you mean "support"\?/],
    ],
    [
      'a misspelt condition',
      { classes: { legal_review: { when: { word: ['x'] } } } },
      [/when\.word: unknown key.*"words"/, /says of no request/],
    ],
    [
      'a language that is not told',
      { classes: { legal_review: { when: { languages: ['xx'] } } } },
      [/when\.languages: must be a list out of/],
    ],
    [
      'lengths that exclude each other',
      { classes: { legal_review: { when: { minCharacters: 5, maxCharacters: 4 } } } },
      [/`minCharacters` is over/],
    ],
    ['a function out of a file', { classes: { legal_review: { matches: 'yes' } } }, [/must be a function/]],
    ['words that are none', { classes: { legal_review: { when: { words: [' '] } } } }, [/words or phrases/]],
    ['both threshold and share', { threshold: 0.4, share: 0.3 }, [/^classification: give either/]],
    ['a share in per cent', { share: 30 }, [/^classification\.share: must be a number from 0 to 1/]],
    [
      'a misspelt judge',
      { judge: { model: 'onli' } },
      [/^classification\.judge\.model: there is no model "onli".*"only"/],
    ],
    ['a judge that makes vectors', { judge: { model: 'vectors' } }, [/makes embeddings and answers no chat/]],
    ['a judge nobody serves', { judge: { model: 'gpt-4o-mini' } }, [/no provider serves "gpt-4o-mini"/]],
    ['a classifier without a function', { classifier: {} }, [/classifier\.classify: must be a function/]],
    [
      'examples of a class without a rule',
      { examples: { model: 'vectors', classes: { simple_queries: ['Hi'], odd: ['x'] } } },
      [/examples\.classes\.odd: there is no rule/],
    ],
    [
      'examples without prompts',
      { examples: { model: 'vectors', classes: { simple_queries: [] } } },
      [/list of example/],
    ],
  ])('says what is wrong with %s', async (_name, classification, expected) => {
    const found = await of(classification);
    expect(found).toHaveLength(expected.length);
    expected.forEach((problem, index) => {
      expect(found[index]).toMatch(problem);
    });
  });

  it('says what is wrong with a surface’s own', async () => {
    expect(
      await problems({ surfaces: { support: { classification: { threshold: 0.4, share: 0.3 } } } }),
    ).toEqual(['surfaces.support.classification: give either `threshold` or `share`, not both']);
  });

  it('keeps a rule that no class leads to reachable by its name', async () => {
    expect(await problems({ routingRules: { odd: { primary: 'only' } } })).toEqual([]);
  });
});

describe('Faults of plug-ins', () => {
  it('are logged once a minute by their kind, counted each, and quote nothing', async () => {
    const upstream = await createScriptedUpstream({ api: 'openai' });
    const logger = new LogCollector();
    const router = await createRouterApp({
      platform: 'fastify',
      logger,
      options: {
        providers: { one: { api: 'openai', baseUrl: upstream.baseUrl, apiKey: 'k' } },
        models: { only: { provider: 'one' } },
        routingRules: { simple_queries: { primary: 'only' } },
        classification: {
          classifier: {
            classify: ({ text }) => {
              if (text === 'Hello') throw new Error('canary-9001');
              return { class: 'canary-9002' };
            },
          },
        },
      },
    });
    try {
      for (const content of ['Hello', 'Hello', 'Bye', 'Hello']) {
        await router.client.chat.completions.create({ model: 'auto', messages: [{ role: 'user', content }] });
      }
      const told = logger.warnings.filter((line) => line.includes('Classification'));
      expect(told).toEqual([
        expect.stringContaining('Classification: the `classifier` failed; requests go on without it'),
        expect.stringContaining('the `classifier` gave an answer that cannot be used'),
      ]);
      expect(logger.lines.join('\n')).not.toContain('canary-900');
      const metrics = await (await router.fetch('/metrics')).text();
      expect(metrics).toContain(
        'llm_router_classification_faults_total{plug_in="classifier",kind="error"} 3',
      );
      expect(metrics).toContain(
        'llm_router_classification_faults_total{plug_in="classifier",kind="bad_answer"} 1',
      );
    } finally {
      await router.close();
      await upstream.close();
    }
  });
});
