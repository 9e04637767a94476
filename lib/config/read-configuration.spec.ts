import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigurationError, type ConfigurationIssue } from '../errors/configuration-error.js';
import { readConfiguration } from './read-configuration.js';

function issuesOf(raw: unknown, environment: NodeJS.ProcessEnv = {}): readonly ConfigurationIssue[] {
  try {
    readConfiguration(raw, environment);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.issues;
    throw error;
  }
  return [];
}

const paths = (raw: unknown, environment?: NodeJS.ProcessEnv): string[] =>
  issuesOf(raw, environment).map((issue) => issue.path);

/** Every option of this version, once, each with a value that is not its default. */
const EVERYTHING = {
  providers: {
    My_Provider: {
      api: 'azure-openai',
      apiKey: 'k',
      baseUrl: 'http://127.0.0.1:1/v1',
      apiVersion: '2024-10-21',
      caFile: '/ca.pem',
    },
  },
  models: {
    'My_Model-1': {
      upstreamModel: 'up',
      deployments: [
        {
          provider: 'My_Provider',
          upstreamModel: 'up',
          weight: 2,
          price: { inputPer1M: 1, outputPer1M: 2, cachedInputPer1M: 0.5, cacheWritePer1M: 1.5 },
          contextWindow: 1_000,
          maxOutputTokens: 100,
          maxConcurrency: 3,
          timeouts: { connectMs: 11, firstTokenMs: 12, idleMs: 13, maxStreamMs: 14 },
        },
      ],
      price: { inputPer1M: 1, outputPer1M: 2 },
      contextWindow: 1_000,
      maxOutputTokens: 100,
      capabilities: ['tools', 'json_schema'],
      quality: 0.5,
      safety: 0.5,
      substitutable: false,
      weight: 2,
      maxConcurrency: 3,
      timeouts: { connectMs: 21, firstTokenMs: 22, idleMs: 23, maxStreamMs: 24 },
    },
    other: { provider: 'My_Provider' },
  },
  routingRules: {
    My_Class: { primary: 'a_B', fallback: ['c_D'], emergency: 'e', maxCostPer1k: 1, maxLatencyMs: 2 },
    tiered: { tiers: [{ models: ['a', 'b'], targetLatencyMs: 5, timeouts: { idleMs: 33 } }] },
  },
  surfaces: {
    My_Surface: {
      qualityFloor: 0.5,
      safetyFloor: 'gpt-4',
      workload: 'background',
      latencySloMs: 5,
      maxCostPerRequest: 0.5,
      pin: 'a_B',
      maxOutputTokens: 6,
      timeouts: { firstTokenMs: 42 },
      priority: 7,
      onStreamFailure: 'continue',
      onContentFilter: 'next_model',
      hedge: false,
      budget: { usd: 5, per: 'month', onExceeded: 'downgrade' },
    },
  },
  clientModel: 'binding',
  execution: {
    maxAttempts: 2,
    deadlineMs: 9,
    timeouts: { connectMs: 1, firstTokenMs: 2, idleMs: 3, maxStreamMs: 4 },
    retries: { baseDelayMs: 5, maxDelayMs: 6, budget: 0.3, longPromptTokens: 7 },
    breaker: {
      errorRate: 0.4,
      minRequests: 8,
      windowMs: 9_000,
      openMs: 10,
      maxOpenMs: 11,
      rampStepMs: 12,
    },
    concurrency: { adaptive: false, min: 13 },
    queue: { maxSize: 14, maxWaitMs: 15 },
    hedge: { enabled: true, maxShare: 0.01 },
    httpAdapter: 'http',
  },
  limits: {
    bodyBytes: 5_000,
    jsonDepth: 5,
    messages: 6,
    tools: 7,
    choices: 8,
    requestsInFlight: 9,
    requestsInFlightPerKey: 3,
  },
  http: {
    apiKeys: [
      {
        key: 'k',
        tenant: 't',
        surfaces: ['My_Surface'],
        admin: true,
        budget: [{ usd: 0.5, per: 'day', onExceeded: 'downgrade' }],
      },
    ],
    publicMetrics: true,
  },
  budgets: {
    timezone: 'Europe/Berlin',
    tenants: { My_Tenant: [{ usd: 6, per: 'day', onExceeded: 'downgrade' }], other: { usd: 7, per: 'day' } },
    defaultTenant: { usd: 8, per: 'month' },
    maxTenants: 9,
  },
  peakHours: {
    timezone: 'Europe/Berlin',
    days: ['mon'],
    from: '09:00',
    to: '18:00',
    interactive: 'fastest',
    background: 'balanced',
    offPeak: { interactive: 'best', background: 'cheapest' },
  },
  background: {
    maxSize: 1,
    maxBytes: 2_000,
    maxConcurrency: 3,
    backgroundShare: 0.4,
    interactiveShare: 0.6,
    deadlineMs: 7,
  },
  health: {
    failOnSurfaces: ['My_Surface'],
    probe: { enabled: true, intervalMs: 5, timeoutMs: 6, idleMs: 7, call: { maxCostUsd: 0.5 } },
  },
  ranking: {
    preset: 'fastest',
    weights: { latency: 2, risk: 3, errors: 4, load: 5, cost: 6, quality: 7 },
    exploration: 0.1,
  },
  mode: 'observe',
  requestLog: { file: 'requests.jsonl', maxBytes: 5_000 },
  strict: true,
} as const;

/** Whose entries' names are the user's own. */
const MAPS = new Set(['providers', 'models', 'routingRules', 'surfaces', 'tenants']);

function respell(value: unknown, spell: (key: string) => string, isMap = false): unknown {
  if (Array.isArray(value)) return value.map((entry) => respell(entry, spell));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [
      isMap ? key : spell(key),
      respell(entry, spell, !isMap && MAPS.has(key)),
    ]),
  );
}

const snake = (key: string): string =>
  key.replace(/[A-Z]|(?<=[a-z])\d/g, (letter) => `_${letter.toLowerCase()}`);

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value)) as unknown;

describe('the spelling of keys', () => {
  const expected = plain(readConfiguration(EVERYTHING, {}));

  it('reads every option as written', () => {
    expect(expected).toMatchObject(EVERYTHING);
  });

  it.each<[string, (key: string) => string]>([
    ['snake_case', snake],
    ['SCREAMING_SNAKE', (key) => snake(key).toUpperCase()],
    ['PascalCase', (key) => key.charAt(0).toUpperCase() + key.slice(1)],
    ['lowercase', (key) => key.toLowerCase()],
    [
      'odd',
      (key) =>
        `_${Array.from(key)
          .map((letter, index) => (index % 2 ? letter.toUpperCase() : letter))
          .join('_')}_`,
    ],
  ])('loads the same in %s', (_name, spell) => {
    expect(plain(readConfiguration(respell(EVERYTHING, spell), {}))).toEqual(expected);
  });

  it('refuses two spellings of one key, wherever they stand', () => {
    const raw = {
      clientModel: 'binding',
      client_model: 'advisory',
      routing_rules: { a: { primary: 'x', maxLatencyMs: 5, max_latency_ms: null } },
      http: { apiKeys: [{ key: 'k', KEY: 'k' }] },
    };
    expect(issuesOf(raw)).toEqual([
      { path: 'client_model', message: 'the same key is already given as "clientModel"' },
      { path: 'routingRules.a.max_latency_ms', message: 'the same key is already given as "maxLatencyMs"' },
      { path: 'http.apiKeys[0].KEY', message: 'the same key is already given as "key"' },
    ]);
  });

  it.each([
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    'My_Surface',
    'max_cost',
    'maxCost',
    'primary',
    'Ünï',
  ])('leaves the name %s alone, in every map', (name) => {
    const raw: unknown = JSON.parse(`{
        "providers": { ${JSON.stringify(name)}: { "api": "openai", "apiKey": "k" } },
        "models": { ${JSON.stringify(name)}: { "provider": ${JSON.stringify(name)} } },
        "routing_rules": { ${JSON.stringify(name)}: { "primary": ${JSON.stringify(name)} } },
        "surfaces": { ${JSON.stringify(name)}: { "quality_floor": 0.5 } }
      }`);
    const { providers, models, routingRules, surfaces } = readConfiguration(raw, {});
    for (const map of [providers, models, routingRules, surfaces]) {
      expect(Object.keys(map ?? {})).toEqual([name]);
    }
    expect(Object.getOwnPropertyDescriptor(surfaces, name)?.value).toMatchObject({ qualityFloor: 0.5 });
    expect(Object.prototype).not.toHaveProperty('qualityFloor');
  });

  it('keeps names that differ in case or underscores apart', () => {
    const raw = { surfaces: { my_surface: {}, mySurface: {}, MY_SURFACE: {} } };
    expect(Object.keys(readConfiguration(raw, {}).surfaces ?? {})).toEqual([
      'my_surface',
      'mySurface',
      'MY_SURFACE',
    ]);
  });
});

describe('unknown keys', () => {
  it.each([
    [{ routngRules: {} }, 'routngRules', 'routingRules'],
    [{ client_modle: 'binding' }, 'client_modle', 'clientModel'],
    [{ routingRules: { a: { primary: 'x', falback: 'y' } } }, 'routingRules.a.falback', 'fallback'],
    [{ surfaces: { a: { qualtyFloor: 1 } } }, 'surfaces.a.qualtyFloor', 'qualityFloor'],
    [{ execution: { timeouts: { conectMs: 1 } } }, 'execution.timeouts.conectMs', 'connectMs'],
    [{ execution: { retrys: {} } }, 'execution.retrys', 'retries'],
    [{ execution: { retries: { baseDelay: 1 } } }, 'execution.retries.baseDelay', 'baseDelayMs'],
    [{ execution: { braker: {} } }, 'execution.braker', 'breaker'],
    [{ execution: { breaker: { minRequest: 1 } } }, 'execution.breaker.minRequest', 'minRequests'],
    [{ execution: { concurrency: { adaptiv: true } } }, 'execution.concurrency.adaptiv', 'adaptive'],
    [{ execution: { queue: { max_siz: 1 } } }, 'execution.queue.max_siz', 'maxSize'],
    [{ execution: { hedge: { maxShar: 0.1 } } }, 'execution.hedge.maxShar', 'maxShare'],
    [{ surfaces: { a: { timeout: {} } } }, 'surfaces.a.timeout', 'timeouts'],
    [{ surfaces: { a: { prioritty: 1 } } }, 'surfaces.a.prioritty', 'priority'],
    [{ surfaces: { a: { onContentFilters: 'reject' } } }, 'surfaces.a.onContentFilters', 'onContentFilter'],
    [{ ranking: { weights: { costs: 2 } } }, 'ranking.weights.costs', 'cost'],
    [{ surfaces: { a: { ranking: { weights: { costs: 2 } } } } }, 'surfaces.a.ranking.weights.costs', 'cost'],
    [{ classification: { sharee: 0.3 } }, 'classification.sharee', 'share'],
    [{ http: { apiKeys: [{ key: 'k', tennant: 'x' }] } }, 'http.apiKeys[0].tennant', 'tenant'],
    [
      { models: { a: { provider: 'p', price: { inputPer1K: 1, outputPer1M: 1, inputPer1M: 1 } } } },
      'models.a.price.inputPer1K',
      'inputPer1M',
    ],
  ])('%j: %s, did you mean %s', (raw, path, meant) => {
    expect(issuesOf(raw)).toContainEqual({ path, message: `unknown key. Did you mean "${meant}"?` });
  });

  it.each([
    ['budget', 'unknown key. Did you mean "budgets"?'],
    ['hedge', 'unknown key: it belongs under `surfaces.<name>` or `execution`'],
    ['breaker', 'unknown key: it belongs under `execution`'],
    ['maxShare', 'unknown key: it belongs under `execution.hedge`'],
    ['onContentFilter', 'unknown key: it belongs under `surfaces.<name>`'],
    ['max_attempts', 'unknown key: it belongs under `execution`'],
    ['isGlobal', 'belongs beside `useFactory`, not in the configuration'],
    ['is_global', 'belongs into `forRoot` or beside `useFactory`, spelt `isGlobal`'],
    ['handlerMetric', 'unknown key. Did you mean "handlerMetrics"?'],
  ])('%s at the root: %s', (key, message) => {
    expect(issuesOf({ [key]: true })).toEqual([{ path: key, message }]);
  });

  it.each([
    [undefined, 'must be an object, not undefined: the factory returned nothing'],
    [null, 'must be an object, not null: the factory returned nothing'],
    [Promise.resolve({}), 'is a Promise: await it, or give it to `forRootAsync({ useFactory })`'],
    [5, 'must be an object, not a number'],
  ])('the whole is %s: %s', (raw, message) => {
    expect(issuesOf(raw)[0]?.message).toContain(message);
  });

  it('names what may be meant by a value out of a list', () => {
    const [issue] = issuesOf({ providers: { a: { api: 'opnai', apiKey: 'k' } } });
    expect(issue?.message).toContain('Did you mean "openai"?');
  });

  it.each(['zzzzzzzz', '__proto__', 'constructor', 'toString'])('%s, with nothing near it', (key) => {
    const raw: unknown = JSON.parse(`{ ${JSON.stringify(key)}: { "strict": true } }`);
    expect(issuesOf(raw)).toEqual([{ path: key, message: 'unknown key.' }]);
  });
});

describe('keys whose feature is not built', () => {
  const design = new URL('../../../shared/design.md', import.meta.url);
  const environment = { OPENAI_API_KEY: 'k', ROUTER_API_KEY: 'r' };

  it.skipIf(!existsSync(design))(
    "are all that is refused of the design's example, all at once (skipped without ../shared)",
    () => {
      const text = readFileSync(design, 'utf8');
      const [, example = ''] = /```jsonc\n([\s\S]*?)```/.exec(text) ?? [];
      const json = example
        .replace(/^(.*?)\s{2,}\/\/.*$/gm, '$1')
        .replace('https://…', 'https://hooks.example.com');
      const issues = issuesOf(JSON.parse(json), environment);
      expect(issues.map(({ message }) => message.slice(0, 29))).toEqual(
        issues.map(() => 'not supported in this version'),
      );
      expect(issues.map(({ path }) => path).toSorted()).toEqual(['storage']);
    },
  );

  it('are refused in any spelling, with what to do meanwhile', () => {
    const raw = { Safety: {}, STORAGE: null, surfaces: { a: { Retention: 3 } } };
    expect(issuesOf(raw)).toEqual([
      { path: 'Safety', message: 'not supported in this version' },
      { path: 'STORAGE', message: 'not supported in this version: state is kept in memory' },
      { path: 'surfaces.a.Retention', message: 'not supported in this version: use `retentionDays`' },
    ]);
  });
});

type Path = readonly (string | number)[];

function put(path: Path, value: unknown): Record<string, unknown> {
  const copy = structuredClone(EVERYTHING) as unknown as Record<string, unknown>;
  let at: Record<string | number, unknown> = copy;
  for (const step of path.slice(0, -1)) at = at[step] as Record<string | number, unknown>;
  at[path.at(-1) ?? ''] = value;
  return copy;
}

function written(path: Path): string {
  return path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : index > 0 ? `.${step}` : step))
    .join('');
}

const m = ['models', 'My_Model-1'] as const;
const d = [...m, 'deployments', 0] as const;
const p = ['providers', 'My_Provider'] as const;
const r = ['routingRules', 'My_Class'] as const;
const t = ['routingRules', 'tiered'] as const;
const s = ['surfaces', 'My_Surface'] as const;
const k = ['http', 'apiKeys', 0] as const;

describe('wrong types, each by its path', () => {
  const odd = [true, '', '   ', {}, () => 'x', Symbol('x')];
  const notNames = [5, Number.NaN, [], ['x'], 'a\nb', 'n'.repeat(9_000), ...odd];
  const notNumbers = ['5', '0.5', [], [5], Number.NaN, Number.POSITIVE_INFINITY, -1, ...odd];
  const notCounts = [0, 1.5, 2 ** 60, ...notNumbers];
  const notFlags = ['true', 0, 1, 'yes', [], {}];
  const notSections = [5, 'x', true, []];
  const cases: (readonly [Path, readonly unknown[]])[] = [
    [['providers'], notSections],
    [p, notSections],
    [
      [...p, 'api'],
      ['azure', 'OpenAI', 5, ['openai'], ...odd],
    ],
    [[...p, 'apiKey'], notNames.filter((value) => typeof value !== 'function')],
    [
      [...p, 'apiKeys'],
      ['k', 5, true, {}, [], [''], [5], ['k', null], ['a\nb'], ['n'.repeat(9_000)], Array(101).fill('k')],
    ],
    [
      [...p, 'apiVersion'],
      ['', 5, {}, '2024', 'latest', '2024-10-21-beta', ' 2024-10-21', 'v1\n'],
    ],
    [[...p, 'caFile'], notNames],
    [
      [...p, 'baseUrl'],
      [
        'nope',
        'localhost:80',
        'ftp://a.b',
        'http://',
        'http://u:p@a.b',
        'http://a.b?x=1',
        'http://a.b#x',
        '//a.b',
        5,
        ...odd,
      ],
    ],
    [['models'], notSections],
    [m, notSections],
    [[...m, 'upstreamModel'], notNames],
    [['models', 'other', 'provider'], notNames],
    [
      [...m, 'deployments'],
      ['x', 5, {}, true],
    ],
    [d, [...notSections, null]],
    [
      [...d, 'provider'],
      [...notNames, undefined, null],
    ],
    [[...d, 'upstreamModel'], notNames],
    [
      [...d, 'weight'],
      [0, ...notNumbers],
    ],
    [[...d, 'price'], notSections],
    [
      [...d, 'price', 'inputPer1M'],
      [...notNumbers, undefined, null],
    ],
    [
      [...d, 'price', 'outputPer1M'],
      [...notNumbers, undefined, null],
    ],
    [[...d, 'price', 'cachedInputPer1M'], notNumbers],
    [[...d, 'price', 'cacheWritePer1M'], notNumbers],
    [[...d, 'contextWindow'], notCounts],
    [[...d, 'maxOutputTokens'], notCounts],
    [[...d, 'maxConcurrency'], notCounts],
    [[...m, 'price'], notSections],
    [[...m, 'contextWindow'], notCounts],
    [[...m, 'maxOutputTokens'], notCounts],
    [
      [...m, 'capabilities'],
      ['tools', ['flying'], [5], {}, 5, true],
    ],
    [
      [...m, 'quality'],
      [1.01, ...notNumbers],
    ],
    [
      [...m, 'safety'],
      [1.01, ...notNumbers],
    ],
    [[...m, 'substitutable'], notFlags],
    [
      [...m, 'weight'],
      [0, ...notNumbers],
    ],
    [[...m, 'maxConcurrency'], notCounts],
    [['routingRules'], notSections],
    [r, notSections],
    [
      [...r, 'primary'],
      [5, [], [''], [5], 'a\nb', ...odd],
    ],
    [
      [...r, 'fallback'],
      [5, [], [''], ['x', null], ...odd],
    ],
    [
      [...r, 'emergency'],
      [5, [], [['x']], ...odd],
    ],
    [[...r, 'maxCostPer1k'], notNumbers],
    [
      [...r, 'maxLatencyMs'],
      [2 ** 31, ...notCounts],
    ],
    [
      [...t, 'tiers'],
      [5, 'x', {}, []],
    ],
    [
      [...t, 'tiers', 0],
      [...notSections, null],
    ],
    [
      [...t, 'tiers', 0, 'models'],
      [5, [], [''], undefined, null, ...odd],
    ],
    [[...t, 'tiers', 0, 'targetLatencyMs'], notCounts],
    [['surfaces'], notSections],
    [s, notSections],
    [
      [...s, 'qualityFloor'],
      [1.01, -0.1, Number.NaN, [], ...odd],
    ],
    [
      [...s, 'safetyFloor'],
      [1.01, -0.1, Number.NaN, [], ...odd],
    ],
    [
      [...s, 'workload'],
      ['batch', 5, ...odd],
    ],
    [[...s, 'latencySloMs'], notCounts],
    [[...s, 'maxCostPerRequest'], notNumbers],
    [[...s, 'pin'], notNames],
    [[...s, 'maxOutputTokens'], notCounts],
    [['clientModel'], ['Binding', 5, ...odd]],
    [['execution'], notSections],
    [
      ['execution', 'maxAttempts'],
      [21, ...notCounts],
    ],
    [
      ['execution', 'deadlineMs'],
      [2 ** 31, ...notCounts],
    ],
    [
      ['execution', 'httpAdapter'],
      ['fetch', 5, ...odd],
    ],
    [['execution', 'timeouts'], notSections],
    ...['connectMs', 'firstTokenMs', 'idleMs', 'maxStreamMs'].map((key): [Path, readonly unknown[]] => [
      ['execution', 'timeouts', key],
      [2 ** 31, ...notCounts],
    ]),
    ...(
      [
        ['execution', 'retries'],
        ['execution', 'breaker'],
        ['execution', 'concurrency'],
        ['execution', 'queue'],
        ['execution', 'hedge'],
        [...m, 'timeouts'],
        [...d, 'timeouts'],
        [...t, 'tiers', 0, 'timeouts'],
        [...s, 'timeouts'],
      ] as Path[]
    ).map((path): [Path, readonly unknown[]] => [path, notSections]),
    ...(
      [
        ['execution', 'retries', 'baseDelayMs'],
        ['execution', 'retries', 'maxDelayMs'],
        ['execution', 'breaker', 'openMs'],
        ['execution', 'breaker', 'maxOpenMs'],
        ['execution', 'breaker', 'rampStepMs'],
        ['execution', 'queue', 'maxWaitMs'],
        ...['connectMs', 'firstTokenMs', 'idleMs', 'maxStreamMs'].flatMap((key) =>
          [m, d, [...t, 'tiers', 0], s].map((owner) => [...owner, 'timeouts', key]),
        ),
      ] as Path[]
    ).map((path): [Path, readonly unknown[]] => [path, [2 ** 31, ...notCounts]]),
    ...(
      [
        ['execution', 'retries', 'longPromptTokens'],
        ['execution', 'breaker', 'minRequests'],
        ['execution', 'concurrency', 'min'],
      ] as Path[]
    ).map((path): [Path, readonly unknown[]] => [path, notCounts]),
    ...(
      [
        ['execution', 'retries', 'budget'],
        ['execution', 'breaker', 'errorRate'],
        ['execution', 'hedge', 'maxShare'],
      ] as Path[]
    ).map((path): [Path, readonly unknown[]] => [path, [1.01, ...notNumbers]]),
    [
      ['execution', 'breaker', 'windowMs'],
      [999, 3_600_001, ...notCounts],
    ],
    [
      ['execution', 'queue', 'maxSize'],
      [1.5, ...notNumbers],
    ],
    [['execution', 'concurrency', 'adaptive'], notFlags],
    [['execution', 'hedge', 'enabled'], notFlags],
    [
      [...s, 'priority'],
      [101, 1.5, ...notNumbers],
    ],
    [
      [...s, 'onStreamFailure'],
      ['resume', true, 5, ...odd],
    ],
    [
      [...s, 'onContentFilter'],
      ['next', true, 5, ...odd],
    ],
    [[...s, 'hedge'], notFlags],
    [['limits'], notSections],
    [
      ['limits', 'bodyBytes'],
      [1_023, ...notCounts],
    ],
    [
      ['limits', 'jsonDepth'],
      [3, 1_001, ...notCounts],
    ],
    [['limits', 'messages'], notCounts],
    [['limits', 'tools'], notCounts],
    [
      ['limits', 'choices'],
      [129, ...notCounts],
    ],
    [['limits', 'requestsInFlight'], notCounts],
    [['limits', 'requestsInFlightPerKey'], notCounts],
    [['http'], notSections],
    [
      ['http', 'apiKeys'],
      ['k', 5, {}, true],
    ],
    [k, [...notSections, null]],
    [
      [...k, 'key'],
      [...notNames, undefined, null],
    ],
    [[...k, 'tenant'], notNames],
    [
      [...k, 'surfaces'],
      ['x', 5, {}, [5], ['']],
    ],
    [[...k, 'admin'], notFlags],
    [['http', 'publicMetrics'], notFlags],
    [
      ['health', 'failOnSurfaces'],
      ['x', 5, {}, [5], ['']],
    ],
    ...[
      [...s, 'budget'],
      [...k, 'budget', 0],
      ['budgets', 'tenants', 'My_Tenant', 0],
      ['budgets', 'tenants', 'other'],
      ['budgets', 'defaultTenant'],
    ].flatMap((b) => [
      [
        [...b, 'usd'],
        [0, 9_000_001, ...notNumbers, undefined, null],
      ] as const,
      [
        [...b, 'per'],
        ['week', true, 5, ...odd, undefined, null],
      ] as const,
      [
        [...b, 'onExceeded'],
        ['refuse', true, 5, ...odd],
      ] as const,
    ]),
    [
      [...s, 'budget'],
      ['x', 5, true],
    ],
    [
      ['budgets', 'timezone'],
      ['Mars/Olympus', true, 5, ...odd],
    ],
    [['budgets', 'maxTenants'], notCounts],
    [
      ['peakHours', 'timezone'],
      ['Mars/Olympus', true, 5, ...odd],
    ],
    [
      ['peakHours', 'days'],
      ['mon', 5, {}, [5], ['monday']],
    ],
    ...['from', 'to'].map(
      (name) =>
        [
          ['peakHours', name],
          ['9:00', '24:01', '12:60', 540, undefined, null, ...odd],
        ] as const,
    ),
    ...[['interactive'], ['background'], ['offPeak', 'interactive'], ['offPeak', 'background']].map(
      (path) =>
        [
          ['peakHours', ...path],
          ['worst', true, 5, ...odd],
        ] as const,
    ),
    [
      ['background', 'maxSize'],
      [1.5, ...notNumbers],
    ],
    [
      ['background', 'maxBytes'],
      [1_023, ...notCounts],
    ],
    [['background', 'maxConcurrency'], notCounts],
    [
      ['background', 'backgroundShare'],
      [1.01, ...notNumbers],
    ],
    [
      ['background', 'interactiveShare'],
      [1.01, ...notNumbers],
    ],
    [['background', 'deadlineMs'], notCounts],
    [['health', 'probe'], notSections],
    [['health', 'probe', 'enabled'], notFlags],
    [['health', 'probe', 'intervalMs'], notCounts],
    [['health', 'probe', 'timeoutMs'], notCounts],
    [['health', 'probe', 'idleMs'], notCounts],
    [['health', 'probe', 'call'], notSections],
    [
      ['health', 'probe', 'call', 'maxCostUsd'],
      [0, ...notNumbers],
    ],
    [['ranking'], notSections],
    [
      ['ranking', 'preset'],
      ['quickest', 5, ...odd],
    ],
    [['ranking', 'weights'], notSections],
    ...Object.keys(EVERYTHING.ranking.weights).map(
      (name) => [['ranking', 'weights', name], notNumbers] as const,
    ),
    [
      ['ranking', 'exploration'],
      [1.01, ...notNumbers],
    ],
    [['mode'], ['observ', 5, ...odd]],
    [['requestLog'], notSections],
    [
      ['requestLog', 'file'],
      [...notNames, undefined, null],
    ],
    [['requestLog', 'maxBytes'], notCounts],
    [['strict'], notFlags],
  ];

  it.each(cases.map(([path, values]) => [written(path), path, values] as const))(
    '%s',
    (name, path, values) => {
      for (const value of values) {
        const found = paths(put(path, value));
        expect(found.length, `${name} = ${String(value)}`).toBeGreaterThan(0);
        for (const issue of found)
          expect(issue.startsWith(name), `${issue} for ${name} = ${String(value)}`).toBe(true);
      }
    },
  );

  it('covers every option', () => {
    const covered = new Set(cases.map(([path]) => written(path)));
    const leaves: string[] = [];
    const walk = (value: unknown, path: Path): void => {
      if (Array.isArray(value) && typeof value[0] === 'object')
        value.forEach((entry, index) => {
          walk(entry, [...path, index]);
        });
      else if (typeof value === 'object' && value !== null && !Array.isArray(value))
        for (const [key, entry] of Object.entries(value)) walk(entry, [...path, key]);
      else leaves.push(written(path));
    };
    walk(EVERYTHING, []);
    const missing = leaves.filter(
      (leaf) => !covered.has(leaf) && !leaf.startsWith('models.My_Model-1.price.'),
    );
    expect(missing).toEqual([]);
  });

  it.each([5, 'x', null, undefined, [], true])('refuses %j as the whole', (raw) => {
    expect(paths(raw)).toEqual(['']);
  });

  it('lists all problems at once', () => {
    const raw = {
      providers: { a: { api: 'x' } },
      models: { m: { quality: 2, capabilities: ['x'] } },
      routingRules: { r: { maxLatencyMs: -1 } },
      surfaces: { s: { workload: 'x', unknwn: 1 } },
      strict: 'yes',
      storage: { type: 'redis' },
      limits: { tools: '${NOPE}' },
    };
    expect(paths(raw).toSorted()).toEqual([
      'limits.tools',
      'limits.tools',
      'models.m.capabilities',
      'models.m.quality',
      'providers.a.api',
      'routingRules.r',
      'routingRules.r.maxLatencyMs',
      'storage',
      'strict',
      'surfaces.s.unknwn',
      'surfaces.s.workload',
    ]);
    expect(() => readConfiguration(raw, {})).toThrow(/\(11 problems\):\n {2}[\s\S]*storage: not supported/);
  });

  it.each([
    [{ routingRules: { r: { primary: 'x', tiers: [{ models: 'y' }] } } }, 'routingRules.r', 'not both'],
    [{ routingRules: { r: {} } }, 'routingRules.r', '`primary` is required'],
    [{ routingRules: { r: { fallback: 'x' } } }, 'routingRules.r', '`primary` is required'],
    [
      { routingRules: { r: { tiers: [1, 2, 3, 4].map((n) => ({ models: `m${n}` })) } } },
      'routingRules.r.tiers',
      'one to three',
    ],
    [{ models: { m: { provider: 'p', deployments: [{ provider: 'p' }] } } }, 'models.m', 'not both'],
    [{ models: { m: { deployments: [] } } }, 'models.m.deployments', 'at least one'],
    [{ http: { apiKeys: [{ key: 'a' }, { key: 'b' }, { key: 'a' }] } }, 'http.apiKeys[2].key', 'twice'],
    [{ providers: { a: { api: 'openai', apiKeys: ['x', 'y', 'x'] } } }, 'providers.a.apiKeys[2]', 'twice'],
    [
      { providers: { a: { api: 'openai', apiKey: 'x', apiKeys: ['y'] } } },
      'providers.a.apiKeys',
      'either `apiKey` or `apiKeys`',
    ],
    [
      { providers: { a: { api: 'openai', apiKey: () => 'x', apiKeys: () => ['y'] } } },
      'providers.a.apiKeys',
      'not both',
    ],
  ])('refuses what does not fit together: %j', (raw, path, words) => {
    const issues = issuesOf(raw);
    expect(issues.map((issue) => issue.path)).toEqual([path]);
    expect(issues[0]?.message).toContain(words);
  });

  it('throws nothing but ConfigurationError, whatever it is given', () => {
    const keys = fc.constantFrom(
      'providers',
      'models',
      'routingRules',
      'surfaces',
      'execution',
      'http',
      'limits',
      'x',
      'tiers',
      'api',
      'deployments',
      'price',
      '__proto__',
    );
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { maxDepth: 4 },
        fc.jsonValue({ maxDepth: 1 }),
        fc.dictionary(keys, tie('any'), { maxKeys: 5 }),
      ),
    })).any;
    fc.assert(
      fc.property(value, (raw) => void issuesOf(raw)),
      { numRuns: 300 },
    );
  });
});

describe("YAML's empty values", () => {
  it('are refused: a floor whose number was forgotten must not be none', () => {
    expect(
      issuesOf({
        routingRules: { a: { primary: 'x', maxCostPer1k: null } },
        surfaces: { s: { qualityFloor: null, pin: null } },
        http: null,
        execution: { timeouts: null, maxAttempts: null },
      }),
    ).toEqual(
      [
        'routingRules.a.maxCostPer1k',
        'surfaces.s.qualityFloor',
        'surfaces.s.pin',
        'http',
        'execution.timeouts',
        'execution.maxAttempts',
      ].map((path) => ({ path, message: 'has no value: give it one, or remove the key' })),
    );
  });

  it('of entries that users name are entries with nothing in them', () => {
    const raw = { models: { 'gpt-4': null }, surfaces: { s: null } };
    const { models, surfaces } = readConfiguration(raw, {});
    expect(plain({ models, surfaces })).toEqual({ models: { 'gpt-4': {} }, surfaces: { s: {} } });
    expect(paths({ providers: { a: null }, routingRules: { r: null } })).toEqual([
      'providers.a.api',
      'routingRules.r',
    ]);
  });
});

describe('${ENV}', () => {
  const environment = {
    KEY: 'canary-key',
    HOST: '127.0.0.1',
    PORT: '81',
    NESTED: '${KEY}',
    EMPTY: '',
    MONEY: "$& $1 $'",
  };
  const read = (raw: unknown) => readConfiguration(raw, environment);

  it('is expanded anywhere in a string, several times, in lists too', () => {
    const raw = {
      providers: { a: { api: 'openai', apiKey: '${KEY}', baseUrl: 'http://${HOST}:${PORT}/v1' } },
      routingRules: { r: { primary: ['m-${PORT}', '${HOST}-${HOST}'] } },
      http: { apiKeys: [{ key: 'x${KEY}y' }] },
    };
    const { providers, routingRules, http } = read(raw);
    expect(providers?.a).toMatchObject({ apiKey: 'canary-key', baseUrl: 'http://127.0.0.1:81/v1' });
    expect(routingRules?.r?.primary).toEqual(['m-81', '127.0.0.1-127.0.0.1']);
    expect(http.apiKeys?.[0]?.key).toBe('xcanary-keyy');
  });

  it('is expanded in a list of keys, and makes equal keys of different variables one too many', () => {
    const raw = (...apiKeys: string[]) => ({ providers: { a: { api: 'openai', apiKeys } } });
    expect(read(raw('${KEY}', 'x${PORT}')).providers?.a?.apiKeys).toEqual(['canary-key', 'x81']);
    expect(issuesOf(raw('${KEY}', 'canary-key'), environment)).toEqual([
      { path: 'providers.a.apiKeys[1]', message: 'the same key is listed twice' },
    ]);
  });

  it('leaves functions that give keys as they are', () => {
    const apiKey = () => 'k';
    const apiKeys = () => Promise.resolve(['k']);
    const { providers } = read({
      providers: { a: { api: 'openai', apiKey }, b: { api: 'gemini', api_keys: apiKeys } },
    });
    expect(providers?.a?.apiKey).toBe(apiKey);
    expect(providers?.b?.apiKeys).toBe(apiKeys);
  });

  it('is expanded once, and what is not a reference stays', () => {
    const tenants = ['${NESTED}', '$KEY', '${}', '${1A}', '${KEY', '${ KEY }', '${MONEY}'];
    const { http } = read({
      http: { apiKeys: tenants.map((tenant, index) => ({ key: `k${index}`, tenant })) },
    });
    expect(http.apiKeys?.map(({ tenant }) => tenant)).toEqual([
      '${KEY}',
      '$KEY',
      '${}',
      '${1A}',
      '${KEY',
      '${ KEY }',
      "$& $1 $'",
    ]);
  });

  it('names every unset or empty one by its path, and shows the value of no other', () => {
    const raw = {
      providers: { a: { api: '${KEY}', apiKey: '${NOPE}${KEY}${ALSO_NOT}', baseUrl: '${KEY}' } },
      surfaces: { s: { pin: '${EMPTY}', workload: '${KEY}', qualityFloor: 5 } },
      routingRules: { r: { primary: ['${KEY}', '${NOT_THIS}'] } },
    };
    const issues = issuesOf(raw, environment);
    expect(issues.filter(({ message }) => message.includes('is not set'))).toEqual([
      { path: 'providers.a.apiKey', message: 'the environment variable NOPE is not set, or is empty' },
      { path: 'providers.a.apiKey', message: 'the environment variable ALSO_NOT is not set, or is empty' },
      { path: 'surfaces.s.pin', message: 'the environment variable EMPTY is not set, or is empty' },
      {
        path: 'routingRules.r.primary[1]',
        message: 'the environment variable NOT_THIS is not set, or is empty',
      },
    ]);
    expect(issues.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['providers.a.api', 'providers.a.baseUrl', 'surfaces.s.workload']),
    );
    expect(JSON.stringify(issues)).not.toContain('canary');
  });

  it('is not expanded in names', () => {
    expect(Object.keys(read({ surfaces: { '${KEY}': {} } }).surfaces ?? {})).toEqual(['${KEY}']);
  });
});

describe('providers from the environment', () => {
  const environment = {
    OPENAI_API_KEY: 'o',
    ANTHROPIC_API_KEY: 'a',
    GEMINI_API_KEY: 'g',
    ANTHROPIC_BASE_URL: 'http://127.0.0.1:2',
  };
  const all = {
    openai: { api: 'openai', apiKey: 'o' },
    anthropic: { api: 'anthropic', apiKey: 'a', baseUrl: 'http://127.0.0.1:2' },
    gemini: { api: 'gemini', apiKey: 'g' },
  };

  it.each([[{}], [{ providers: {} }]])('stand in where the file names none: %j', (raw) => {
    expect(plain(readConfiguration(raw, environment).providers)).toEqual(all);
  });

  it('are those with a key, and none beside those of the file', () => {
    expect(plain(readConfiguration({}, { GEMINI_API_KEY: 'g', OPENAI_API_KEY: '' }).providers)).toEqual({
      gemini: all.gemini,
    });
    const own = { providers: { mine: { api: 'openai', apiKey: 'x' } } };
    expect(Object.keys(readConfiguration(own, environment).providers ?? {})).toEqual(['mine']);
    expect(readConfiguration({}, {}).providers).toEqual({});
  });

  it('are refused by the name of the variable, without its value', () => {
    const bad = {
      OPENAI_API_KEY: 'canary\n',
      OPENAI_BASE_URL: 'canary',
      GEMINI_API_KEY: 'k',
      GEMINI_BASE_URL: 'ftp://canary',
    };
    const issues = issuesOf({}, bad);
    expect(issues.map(({ path }) => path)).toEqual(['OPENAI_API_KEY', 'OPENAI_BASE_URL', 'GEMINI_BASE_URL']);
    expect(JSON.stringify(issues)).not.toContain('canary');
  });
});
