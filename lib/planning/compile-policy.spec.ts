import { describe, expect, it } from 'vitest';
import { readConfiguration } from '../config/index.js';
import { ConfigurationError, type ConfigurationIssue } from '../errors/configuration-error.js';
import { bootTable, type CompiledPolicy, compilePolicy, type PolicyRule } from './index.js';

const KEYS = { OPENAI_API_KEY: 'o', ANTHROPIC_API_KEY: 'a', GEMINI_API_KEY: 'g' };

function compile(raw: unknown, environment: NodeJS.ProcessEnv = KEYS): CompiledPolicy {
  return compilePolicy(readConfiguration(raw, environment));
}

function refusalOf(raw: unknown, environment?: NodeJS.ProcessEnv): readonly ConfigurationIssue[] {
  try {
    compile(raw, environment);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.issues;
    throw error;
  }
  throw new Error('was not refused');
}

const tiersOf = (rule: PolicyRule | undefined): string[][] =>
  rule?.tiers.map((tier) => tier.models.map(({ name }) => name)) ?? [];

const local = { local: { api: 'openai-compatible', baseUrl: 'http://127.0.0.1:1/v1' } } as const;
const price = (inputPer1M: number, outputPer1M: number) => ({ inputPer1M, outputPer1M });
/** A model that gives rise to no warning. */
const model = (extra: object = {}) => ({
  provider: 'local',
  price: price(1, 1),
  contextWindow: 1_000,
  capabilities: ['streaming'],
  quality: 0.5,
  ...extra,
});
const own = (models: Record<string, object>, rest: object = {}) => ({
  providers: local,
  models,
  routingRules: { simple_queries: { primary: Object.keys(models) } },
  ...rest,
});

describe("the article's JSON", () => {
  const article =
    '{"routing_rules":{"simple_queries":{"primary":"gpt-3.5-turbo","fallback":"claude-haiku","max_cost_per_1k":0.002},"complex_reasoning":{"primary":"gpt-4","fallback":"claude-opus","max_latency_ms":5000}}}';

  it('compiles verbatim and names the models the issue expects', () => {
    const { policy } = compile(JSON.parse(article));
    expect(tiersOf(policy.rules.get('simple_queries'))).toEqual([['gpt-3.5-turbo'], ['claude-haiku-4-5']]);
    expect(tiersOf(policy.rules.get('complex_reasoning'))).toEqual([['gpt-4'], ['claude-opus-4-5']]);
    expect(policy.rules.get('simple_queries')).toMatchObject({
      maxCostPer1k: 0.002,
      maxLatencyMs: undefined,
    });
    expect(policy.rules.get('complex_reasoning')).toMatchObject({ maxLatencyMs: 5000 });
    const [first, second] = policy.rules.get('simple_queries')?.tiers ?? [];
    expect([first?.tier, first?.targetLatencyMs, first?.isTargetExplicit]).toEqual(['primary', 1_500, false]);
    expect([second?.tier, second?.targetLatencyMs]).toEqual(['secondary', 3_000]);
  });

  it('prints its table', () => {
    const lines = bootTable(compile(JSON.parse(article)).policy).split('\n');
    expect(lines[0]).toMatch(/^surface +class +models \(primary > secondary > tertiary\) +left out$/);
    expect(lines.slice(1, -1).map((line) => line.replace(/ {2,}/g, ' | '))).toEqual([
      'none | simple_queries | gpt-3.5-turbo (q 0.41, $0.0008/1k) > claude-haiku-4-5 (q 0.76, $0.0020/1k) | -',
      'none | complex_reasoning | gpt-4 (q 0.50, $0.0375/1k) > claude-opus-4-5 (q 0.82, $0.0100/1k) | -',
    ]);
  });

  it('with one key alone leaves out what cannot be called, and says so', () => {
    const { policy, warnings } = compile(JSON.parse(article), { OPENAI_API_KEY: 'o' });
    expect(tiersOf(policy.rules.get('simple_queries'))).toEqual([['gpt-3.5-turbo']]);
    expect(warnings).toContainEqual({
      path: 'routingRules.simple_queries.fallback',
      message: 'no provider serves "claude-haiku", it is left out; add a provider with api "anthropic"',
    });
    expect(
      refusalOf({ ...(JSON.parse(article) as object), strict: true }, { OPENAI_API_KEY: 'o' }),
    ).toContainEqual(expect.objectContaining({ path: 'routingRules.complex_reasoning.fallback' }));
  });

  it('without any key is refused, rule by rule', () => {
    const paths = refusalOf(JSON.parse(article), {}).map(({ path }) => path);
    expect(paths).toEqual(['providers', 'routingRules.simple_queries', 'routingRules.complex_reasoning']);
  });
});

describe('rules', () => {
  it.each([
    [{ primary: 'gtp-4' }, 'routingRules.r.primary', 'there is no model "gtp-4". Did you mean "gpt-4"?'],
    [
      { primary: 'gpt-4', fallback: ['gpt-4o', 'cluade-haiku'] },
      'routingRules.r.fallback[1]',
      '"claude-haiku"',
    ],
    [{ tiers: [{ models: 'gpt-4' }, { models: ['gpt-4x'] }] }, 'routingRules.r.tiers[1].models', '"gpt-4'],
    [{ primary: '__proto__' }, 'routingRules.r.primary', 'there is no model "__proto__".'],
    [{ primary: 'constructor' }, 'routingRules.r.primary', 'there is no model "constructor".'],
  ])('a misspelt model is an error: %j', (rule, path, words) => {
    const issues = refusalOf({ routingRules: { r: rule } });
    expect(issues.map((issue) => issue.path)).toEqual([path]);
    expect(issues[0]?.message).toContain(words);
  });

  it('without a callable model are refused', () => {
    const issues = refusalOf({ routingRules: { r: { primary: 'claude-haiku' } } }, { OPENAI_API_KEY: 'o' });
    expect(issues).toEqual([
      {
        path: 'routingRules.r',
        message:
          'no model of this rule can be called: no provider serves any of them; add a provider with api "anthropic"',
      },
    ]);
  });

  it('that name no model are told what is missing, and that alone', () => {
    const issues = refusalOf({ routingRules: { r: { primery: 'gpt-4' } } }, { OPENAI_API_KEY: 'o' });
    expect(issues).toEqual([
      { path: 'routingRules.r.primery', message: 'unknown key. Did you mean "primary"?' },
      {
        path: 'routingRules.r',
        message: "`primary` is required: a model's name or a list of names",
      },
    ]);
  });

  it('leave out, with a warning, what is over the price cap, at the boundary exactly', () => {
    const models = {
      exact: model({ price: price(1, 5) }),
      dear: model({ price: price(1, 5.01) }),
      bare: model({ price: undefined }),
    };
    const rule = { primary: 'exact', fallback: 'dear', emergency: 'bare', maxCostPer1k: 0.002 };
    const { policy, warnings } = compile(own(models, { routingRules: { simple_queries: rule } }));
    const over = warnings.filter(({ message }) => message.includes('is over `maxCostPer1k`'));
    expect(over.map(({ path }) => path)).toEqual([
      'routingRules.simple_queries.fallback',
      'routingRules.simple_queries.emergency',
    ]);
    const [row] = bootTable(policy).split('\n').slice(1);
    expect(row).toContain('exact (q 0.50, $0.0020/1k)');
    expect(row).toContain('dear: over the price cap, bare: over the price cap');
    const none = own(
      { dear: models.dear },
      { routingRules: { r: { primary: 'dear', maxCostPer1k: 0.002 } } },
    );
    expect(refusalOf(none)).toEqual([
      {
        path: 'routingRules.r',
        message: 'no model of this rule is within `maxCostPer1k` 0.002 (dear: $0.002002 per 1,000 tokens)',
      },
    ]);
  });

  it('keep a model at its first mention', () => {
    const rule = { primary: ['a', 'a'], fallback: 'b', emergency: 'a' };
    const { policy, warnings } = compile(own({ a: model(), b: model() }, { routingRules: { r: rule } }));
    expect(tiersOf(policy.rules.get('r'))).toEqual([['a'], ['b']]);
    expect(warnings.map(({ path }) => path)).toEqual([
      'routingRules.r.primary[1]',
      'routingRules.r.emergency',
    ]);
    expect(policy.rules.get('r')?.tiers.map(({ tier }) => tier)).toEqual(['primary', 'secondary']);
  });

  it('know an alias and its model for the same', () => {
    const rule = { primary: 'claude-haiku', fallback: 'claude-haiku-4-5' };
    expect(tiersOf(compile({ routingRules: { r: rule } }).policy.rules.get('r'))).toEqual([
      ['claude-haiku-4-5'],
    ]);
  });

  it('with the name of a model are warned of', () => {
    const { warnings } = compile({ routingRules: { 'gpt-4': { primary: 'gpt-4' } } });
    expect(warnings.map(({ path }) => path)).toContain('routingRules.gpt-4');
  });

  it('of a user class, called like a member of objects, are found by that name and no other', () => {
    const raw = JSON.parse(
      '{"routingRules":{"__proto__":{"primary":"gpt-4"},"constructor":{"primary":"gpt-4"}}}',
    ) as unknown;
    const { policy } = compile(raw);
    expect([...policy.rules.keys()]).toEqual(expect.arrayContaining(['__proto__', 'constructor']));
    expect(policy.rules.has('toString')).toBe(false);
  });

  it('of a class serve it before those of the harder ones; a class without a rule gets the next harder, or the hardest', () => {
    const order = (rules: object): Record<string, string[]> =>
      Object.fromEntries(
        [...compile({ routingRules: rules }).policy.rulesForClass].map(([name, list]) => [
          name,
          list.map((rule) => rule.name),
        ]),
      );
    const primary = 'gpt-4';
    expect(
      order({ simple_queries: { primary }, complex_reasoning: { primary }, legal: { primary } }),
    ).toEqual({
      simple_queries: ['simple_queries', 'complex_reasoning'],
      complex_reasoning: ['complex_reasoning'],
      legal: ['legal'],
    });
    expect(order({ complex_reasoning: { primary } }).simple_queries).toEqual(['complex_reasoning']);
    expect(order({ simple_queries: { primary } }).complex_reasoning).toEqual(['simple_queries']);
  });

  it('are derived where none is written: the cheapest for simple, the best for hard questions, no dated snapshots', () => {
    const { policy } = compile({});
    const names = [...policy.rules.values()].flatMap((rule) => tiersOf(rule).flat());
    expect([...policy.rules.keys()]).toEqual(['simple_queries', 'complex_reasoning']);
    expect(names).toHaveLength(6);
    for (const name of names) expect(name).not.toMatch(/\d{4}-\d{2}-\d{2}|\d{8}|-\d{4}(-preview)?$|-00\d$/);
    const models = { dear: model({ price: price(9, 9), quality: 0.9 }), cheap: model({ quality: 0.2 }) };
    const ownOnly = compile({ providers: local, models }).policy;
    expect(tiersOf(ownOnly.rules.get('simple_queries'))).toEqual([['cheap'], ['dear']]);
    expect(tiersOf(ownOnly.rules.get('complex_reasoning'))).toEqual([['dear'], ['cheap']]);
    expect(refusalOf({}, {})[0]?.message).toContain('OPENAI_API_KEY');
    // Nobody wrote these hops, so nobody is asked to mend them.
    expect(compile({ strict: true }).warnings).toEqual([]);
  });
});

describe('names of rules', () => {
  const primary = 'gpt-4';

  it.each(['simpleQueries', 'Simple_Queries', 'simple-queries'])(
    '%s is refused: it can only mean the class',
    (name) => {
      expect(refusalOf({ routingRules: { [name]: { primary } } })).toEqual([
        {
          path: `routingRules.${name}`,
          message: 'the class is spelt "simple_queries": names are not read in any other spelling',
        },
      ]);
    },
  );

  it('the class of vectors is no name for a rule', () => {
    expect(refusalOf({ routingRules: { embeddings: { primary } } })[0]).toMatchObject({
      path: 'routingRules.embeddings',
      message: expect.stringContaining('another name') as string,
    });
  });

  it('near to a class without a rule are warned of; others, and those beside the class, are not', () => {
    const warned = (rules: object): string[] =>
      compile({ routingRules: rules })
        .warnings.filter(({ message }) => message.includes('did you mean'))
        .map(({ path, message }) => `${path} ${message}`);
    expect(warned({ simple_querys: { primary } })).toEqual([
      'routingRules.simple_querys did you mean "simple_queries"? A rule of this name is reached only by a client that names it',
    ]);
    expect(warned({ simple_querys: { primary }, simple_queries: { primary } })).toEqual([]);
    expect(warned({ legal: { primary } })).toEqual([]);
  });

  it('of the user alone leave the classes to derived rules, which the table marks', () => {
    const table = bootTable(compile({ routingRules: { legal: { primary } } }).policy);
    expect(table).toMatch(/^none +simple_queries \(default\) /m);
    expect(table).toMatch(/^none +complex_reasoning \(default\) /m);
    expect(table).toMatch(/^none +legal  /m);
    expect(table).toMatch(/\(default\): no rule is written for it$/);
  });
});

describe('hops', () => {
  const models = {
    wide: model({ contextWindow: 9_000, capabilities: ['streaming', 'tools', 'vision'] }),
    narrow: model({ contextWindow: 500, capabilities: ['streaming'] }),
  };
  const raw = own(models, { routingRules: { r: { primary: 'wide', fallback: 'narrow' } } });

  it('that take only part of the requests are warned of, with what they cannot take; strict refuses', () => {
    expect(compile(raw).warnings).toEqual([
      {
        path: 'routingRules.r (secondary)',
        message:
          '"narrow" cannot take prompts over its window of 500 tokens (before it: 9000); requests with tools, vision',
      },
    ]);
    expect(refusalOf({ ...raw, strict: true })).toEqual(compile(raw).warnings);
  });

  it('that take all are not', () => {
    const widening = { ...raw, routingRules: { r: { primary: 'narrow', fallback: 'wide' } } };
    expect(compile({ ...widening, strict: true }).warnings).toEqual([]);
  });
});

describe('surfaces', () => {
  const models = {
    good: model({ quality: 0.8, safety: 0.9 }),
    bad: model({ quality: 0.2 }),
    unrated: model({ quality: undefined }),
  };
  const withSurfaces = (surfaces: object, rest: object = {}) => own(models, { surfaces, ...rest });

  it('take a floor as a number or as the quality of a model', () => {
    const surfaces = {
      n: { qualityFloor: 0.7 },
      m: { qualityFloor: 'good', safetyFloor: 'good' },
      c: { qualityFloor: 'gpt-4' },
    };
    const { policy } = compile(withSurfaces(surfaces));
    expect(policy.surfaces.get('n')?.qualityFloor).toBe(0.7);
    expect(policy.surfaces.get('m')).toMatchObject({ qualityFloor: 0.8, safetyFloor: 0.9 });
    // Of the catalogue, though no provider serves it here.
    expect(policy.surfaces.get('c')?.qualityFloor).toBe(0.5);
  });

  it.each([
    [{ qualityFloor: 'goood' }, 'surfaces.s.qualityFloor', 'Did you mean "good"?'],
    [{ qualityFloor: '0.6' }, 'surfaces.s.qualityFloor', 'must be a number from 0 to 1'],
    [{ qualityFloor: 'unrated' }, 'surfaces.s.qualityFloor', '`models.unrated.quality: <0 to 1>`'],
    [{ safetyFloor: 'bad' }, 'surfaces.s.safetyFloor', '`models.bad.safety: <0 to 1>`'],
    [{ pin: 'goood' }, 'surfaces.s.pin', 'Did you mean "good"?'],
    [{ pin: 'claude-opus' }, 'surfaces.s.pin', 'add a provider with api "anthropic"'],
    [
      { pin: 'bad', qualityFloor: 0.5 },
      'surfaces.s',
      'its pinned model bad fails its own floor (quality 0.20)',
    ],
    [{ qualityFloor: 0.95 }, 'surfaces.s', 'models.unrated.quality: <0 to 1>'],
  ])('refuse %j', (surface, path, words) => {
    const issues = refusalOf(withSurfaces({ s: surface }));
    expect(issues.map((issue) => issue.path)).toEqual([path]);
    expect(issues[0]?.message).toContain(words);
  });

  it('warn of unrated models and name the line to add', () => {
    expect(compile(withSurfaces({ s: { qualityFloor: 0.5 } })).warnings).toEqual([
      {
        path: 'surfaces.s',
        message: 'unrated models never serve it; add models.unrated.quality: <0 to 1> to let them',
      },
    ]);
  });

  it('refuse a safety floor without a rated candidate and print the lines, every such surface at once', () => {
    const unsafe = own(
      { a: model(), b: model() },
      { surfaces: { s: { safetyFloor: 0.5 }, t: { safetyFloor: 0.5 }, u: {} } },
    );
    const message =
      'no model of any rule is over its floors: safetyFloor 0.5, and none has a rating; rate the models yourself by adding models.a.safety: <0 to 1>, models.b.safety: <0 to 1>';
    expect(refusalOf(unsafe)).toEqual([
      { path: 'surfaces.s', message },
      { path: 'surfaces.t', message },
    ]);
  });

  it('are refused together with a price cap that no model is within, each with the best there is', () => {
    const rule = { primary: ['good', 'bad'], maxCostPer1k: 0.00001 };
    const raw = withSurfaces(
      { s: { qualityFloor: 0.9 }, t: { qualityFloor: 0.95 }, u: {} },
      { routingRules: { simple_queries: rule } },
    );
    expect(refusalOf(raw).map(({ path, message }) => `${path}: ${message}`)).toEqual([
      expect.stringContaining('routingRules.simple_queries: no model of this rule is within'),
      'surfaces.s: no model of any rule is over its floors: qualityFloor 0.9, and the best is good with 0.8',
      'surfaces.t: no model of any rule is over its floors: qualityFloor 0.95, and the best is good with 0.8',
    ]);
  });

  it('have one line in the table where nothing sets them apart, and a model left out is named once', () => {
    const rule = { primary: ['good', 'bad'] };
    const lines = bootTable(
      compile(
        withSurfaces(
          { plain: {}, s: { qualityFloor: 0.5 } },
          { routingRules: { simple_queries: rule, complex_reasoning: rule } },
        ),
      ).policy,
    ).split('\n');
    expect(lines.filter((line) => line.startsWith('plain'))).toEqual([
      expect.stringMatching(/^plain +as none$/),
    ]);
    expect(lines.find((line) => line.startsWith('s '))?.match(/bad: quality 0\.20/g)).toHaveLength(1);
  });

  it('have a line for each tier where one line would be too wide', () => {
    const names = ['first', 'second', 'third'].map((name) => name.padEnd(60, '-x'));
    const [first, second, third] = names;
    const raw = own(Object.fromEntries(names.map((name) => [name, model()])), {
      routingRules: { simple_queries: { primary: first, fallback: second, emergency: third } },
    });
    const lines = bootTable(compile(raw).policy).split('\n');
    expect(lines[2]).toMatch(/^ +> second/);
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThan(150);
  });

  it('warn of a class that no model over the floors serves', () => {
    const rules = { simple_queries: { primary: 'good' }, complex_reasoning: { primary: 'bad' } };
    const { policy, warnings } = compile(withSurfaces({ s: { qualityFloor: 0.5 } }, { routingRules: rules }));
    expect(warnings).toEqual([
      {
        path: 'surfaces.s',
        message: 'no model over its floors serves the class complex_reasoning: such requests are refused',
      },
    ]);
    expect(bootTable(policy).split('\n').at(-2)?.split(/ {2,}/)).toEqual([
      's',
      'complex_reasoning',
      'nothing',
      'bad: quality 0.20',
    ]);
  });

  it('show in the table what serves them by way of a harder rule, and a pin', () => {
    const rules = { simple_queries: { primary: 'bad' }, complex_reasoning: { primary: 'good' } };
    const surfaces = { s: { qualityFloor: 0.5 }, p: { pin: 'bad' } };
    const rows = bootTable(compile(withSurfaces(surfaces, { routingRules: rules })).policy)
      .split('\n')
      .slice(1, -1);
    expect(rows.map((row) => row.split(/ {2,}/))).toEqual([
      ['none', 'simple_queries', 'bad (q 0.20, $0.0010/1k)', '-'],
      ['none', 'complex_reasoning', 'good (q 0.80, $0.0010/1k)', '-'],
      ['s', 'simple_queries', '[complex_reasoning] good (q 0.80, $0.0010/1k)', 'bad: quality 0.20'],
      ['s', 'complex_reasoning', 'good (q 0.80, $0.0010/1k)', '-'],
      ['p', 'simple_queries', 'bad (q 0.20, $0.0010/1k)', 'pinned'],
      ['p', 'complex_reasoning', 'bad (q 0.20, $0.0010/1k)', 'pinned'],
    ]);
  });

  it('must be known to the keys that are limited to them, and may not be called `none`', () => {
    const http = {
      apiKeys: [
        { key: 'k', surfaces: ['s'] },
        { key: 'l', surfaces: ['ss'] },
      ],
    };
    expect(refusalOf(withSurfaces({ s: {} }, { http }))).toEqual([
      { path: 'http.apiKeys[1].surfaces', message: 'there is no surface "ss". Did you mean "s"?' },
    ]);
    for (const name of ['none', 'health_probe']) {
      expect(refusalOf(withSurfaces({ [name]: {} })).map(({ path }) => path)).toEqual([`surfaces.${name}`]);
    }
  });
});

describe('models and deployments', () => {
  it('take facts from the catalogue under their own, by name or by upstream model', () => {
    const models = {
      mine: { provider: 'local', upstreamModel: 'gpt-4o', quality: 0.9 },
      'gpt-4': { provider: 'local' },
    };
    const { policy } = compile(own(models));
    expect(policy.models.get('mine')).toMatchObject({ quality: 0.9 });
    expect(policy.models.get('mine')?.deployments[0]).toMatchObject({
      id: 'local/mine',
      upstreamModel: 'gpt-4o',
      contextWindow: 128_000,
    });
    expect(policy.models.get('gpt-4')?.deployments[0]).toMatchObject({
      provider: 'local',
      upstreamModel: 'gpt-4',
      price: { inputPer1M: 30 },
    });
  });

  it('may be several of one model, each with what differs there, with ids of their own', () => {
    const deployments = [
      { provider: 'local', weight: 2, price: price(5, 5) },
      { provider: 'local', upstreamModel: 'other', contextWindow: 7, maxOutputTokens: 3, maxConcurrency: 4 },
      { provider: 'second' },
    ];
    const base = { ...model({ maxConcurrency: 9 }), provider: undefined };
    const raw = own(
      { m: { ...base, deployments }, 'm#2': model() },
      { providers: { ...local, second: local.local } },
    );
    const { policy } = compile(raw);
    expect(policy.models.get('m')?.deployments).toMatchObject([
      {
        id: 'local/m',
        provider: 'local',
        upstreamModel: 'm',
        price: price(5, 5),
        contextWindow: 1_000,
        maxOutputTokens: undefined,
        maxConcurrency: 9,
        timeouts: {},
        replaysThinking: true,
        unsupportedParameters: new Set(),
        weight: 2,
      },
      {
        id: 'local/m#2',
        provider: 'local',
        upstreamModel: 'other',
        price: price(1, 1),
        contextWindow: 7,
        maxOutputTokens: 3,
        maxConcurrency: 4,
        timeouts: {},
        replaysThinking: true,
        unsupportedParameters: new Set(),
        weight: 1,
      },
      {
        id: 'second/m',
        provider: 'second',
        upstreamModel: 'm',
        price: price(1, 1),
        contextWindow: 1_000,
        maxOutputTokens: undefined,
        maxConcurrency: 9,
        timeouts: {},
        replaysThinking: true,
        unsupportedParameters: new Set(),
        weight: 1,
      },
    ]);
    const ids = [...policy.models.values()].flatMap(({ deployments: all }) => all.map(({ id }) => id));
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('refuse an unknown provider, and a model that has none', () => {
    const models = {
      a: { provider: 'lokal' },
      b: { deployments: [{ provider: 'local' }, { provider: 'x' }] },
      c: {},
      'gpt-4': {},
    };
    expect(refusalOf({ providers: local, models }).map(({ path, message }) => `${path}: ${message}`)).toEqual(
      [
        'models.a.provider: there is no provider "lokal". Did you mean "local"?',
        'models.b.deployments[1].provider: there is no provider "x".',
        'models.c: the catalogue does not know this model: name its `provider`',
        'models.gpt-4: no provider serves it: name its `provider`, or add a provider with api "openai"',
      ],
    );
  });

  it('warn of facts nobody knows', () => {
    const { warnings } = compile(own({ bare: { provider: 'local' } }));
    expect(warnings.map(({ path }) => path)).toEqual([
      'models.bare.price',
      'models.bare.contextWindow',
      'models.bare.capabilities',
    ]);
  });

  it('refuse a provider without key or URL', () => {
    const providers = {
      a: { api: 'openai-compatible' },
      b: { api: 'openai' },
      c: { api: 'gemini', baseUrl: 'http://a.b' },
    };
    expect(refusalOf({ providers, models: { m: model({ provider: 'c' }) } }).map(({ path }) => path)).toEqual(
      ['providers.a.baseUrl', 'providers.b.apiKey'],
    );
  });

  it.each([
    ['several keys', { apiKeys: ['k', 'l'] }],
    ['a callback', { apiKey: () => 'k' }],
    ['a callback for several', { apiKeys: () => Promise.resolve(['k']) }],
  ])('take %s for a key', (_name, keys) => {
    const providers = {
      a: { api: 'openai', ...keys },
      b: { api: 'azure-openai', baseUrl: 'https://b.openai.azure.com', ...keys },
      c: { api: 'bedrock', baseUrl: 'http://c.d', ...keys },
      d: { api: 'vertex', location: 'eu', ...keys },
      e: { api: 'ai-sdk', languageModel: () => undefined, ...keys },
    };
    const refused = refusalOf({ providers, models: { m: model({ provider: 'a' }) } });
    expect(refused.map(({ path }) => path)).toEqual([
      'providers.d.location',
      `providers.e.${Object.keys(keys)[0] ?? ''}`,
    ]);
  });

  it('bind by name where they are fine-tuned or dated', () => {
    const ft = 'ft:gpt-4o-mini:acme::abc';
    const { policy } = compile(own({ [ft]: model(), 'my-model-2024-05-13': model(), plain: model() }));
    expect(policy.bindingNames.has(ft)).toBe(true);
    expect(policy.bindingNames.has('my-model-2024-05-13')).toBe(true);
    expect(policy.bindingNames.has('gpt-4o-2024-08-06')).toBe(true);
    expect(policy.bindingNames.has('plain')).toBe(false);
    expect(policy.bindingNames.has('gpt-4o')).toBe(false);
  });
});

describe('the hash', () => {
  const hash = (raw: unknown) => compile(raw).policy.hash;
  const raw = (extra: object = {}, apiKey = 'one', key = 'a') => ({
    providers: { openai: { api: 'openai', apiKey } },
    http: { apiKeys: [{ key, tenant: 't' }] },
    ...extra,
  });

  it('does not depend on keys', () => {
    expect(hash(raw({}, 'two', 'b'))).toBe(hash(raw()));
    for (const keys of [
      { apiKeys: ['one', 'two'] },
      { apiKeys: () => ['three'] },
      { apiKey: () => 'four' },
    ]) {
      expect(hash(raw({ providers: { openai: { api: 'openai', ...keys } } }))).toBe(hash(raw()));
    }
  });

  it.each([
    [{ strict: false, clientModel: 'binding' }],
    [{ surfaces: { key: {} } }],
    [{ surfaces: { apiKey: { qualityFloor: 0.1 } } }],
    [{ routingRules: { apiKeys: { primary: 'gpt-4' } } }],
    [{ execution: { maxAttempts: 2 } }],
    [{ http: { apiKeys: [{ key: 'a', tenant: 'u' }] } }],
    [{ providers: { openai: { api: 'openai', apiKey: 'one', baseUrl: 'http://a.b' } } }],
  ])('changes with %j', (extra) => {
    expect(hash(raw(extra))).not.toBe(hash(raw()));
  });

  it('tells surfaces called `key` of different floors apart', () => {
    const floor = (qualityFloor: number) => hash(raw({ surfaces: { key: { qualityFloor } } }));
    expect(floor(0.1)).not.toBe(floor(0.2));
  });
});
