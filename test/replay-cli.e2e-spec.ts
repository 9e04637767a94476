import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../lib/cli/run-cli.js';
import type { ReplayReport } from '../lib/replay/index.js';

const AZURE_TRACE =
  process.env.AZURE_TRACE ??
  fileURLToPath(new URL('../../shared/traces/azure-llm-2023-conv.csv.gz', import.meta.url));

const CONFIG = `
providers:
  one: { api: openai, apiKey: "\${REPLAY_TEST_KEY}", baseUrl: "\${REPLAY_TEST_URL}" }
  two: { api: openai-compatible, baseUrl: "https://\${REPLAY_TEST_HOST}/v1" }
models:
  quick: { provider: one, price: { inputPer1M: 0.5, outputPer1M: 1.5 }, contextWindow: 128000, quality: 0.6 }
  cheap: { provider: two, price: { inputPer1M: 0.1, outputPer1M: 0.3 }, contextWindow: 128000, quality: 0.5 }
routingRules:
  simple_queries: { primary: PRIMARY, fallback: FALLBACK }
surfaces:
  chat: { latencySloMs: 1500 }
`;
const SCRIPT = `
deployments:
  one: { timeToFirstToken: { medianMs: 300 }, tokensPerSecond: 100 }
  two/cheap: { timeToFirstToken: { p50Ms: 600, p95Ms: 1900, p99Ms: 4000 }, tokensPerSecond: 50 }
events:
  - { deployment: quick, kind: brown_out, factor: 10, fromMs: 20000, toMs: 40000 }
`;

let directory: string;
const path = (name: string): string => join(directory, name);

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'replay-'));
  const config = (primary: string, fallback: string): string =>
    CONFIG.replace('PRIMARY', primary).replace('FALLBACK', fallback);
  await writeFile(path('new.yaml'), config('quick', 'cheap'));
  await writeFile(path('old.yaml'), config('cheap', 'quick'));
  await writeFile(path('script.yaml'), SCRIPT);
  const rows = Array.from({ length: 300 }, (_, index) => {
    const at = new Date(Date.UTC(2026, 0, 5, 9) + index * 200).toISOString().slice(0, -1);
    return `${at},${500 + (index % 7) * 100},${50 + (index % 11) * 20}`;
  });
  await writeFile(path('trace.csv'), `TIMESTAMP,ContextTokens,GeneratedTokens\n${rows.join('\n')}\n`);
});

afterAll(async () => {
  await rm(directory, { recursive: true });
});

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(...argv: string[]): Promise<Run> {
  let out = '';
  let err = '';
  const code = await runCli(argv, {
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
    environment: {},
  });
  return { code, out, err };
}

const replay = (...argv: string[]): Promise<Run> =>
  run(
    'replay',
    '--config',
    path('new.yaml'),
    '--trace',
    path('trace.csv'),
    '--script',
    path('script.yaml'),
    ...argv,
  );

interface Json {
  readonly report: ReplayReport;
  readonly against: ReplayReport | null;
  readonly notes: readonly string[];
  readonly broken: readonly string[];
}

describe('replay, on the command line', () => {
  it('compares two configurations, without a key', async () => {
    const { code, out, err } = await replay('--against', path('old.yaml'), '--surface', 'chat');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    for (const word of [
      '300 requests',
      'cost',
      'SLO attainment',
      'floor violations',
      'fallback rate',
      'shed rate',
    ]) {
      expect(out).toContain(word);
    }
    expect(out).toMatch(/^chat +300 +100\.00 % +1500 ms/m);
    expect(out).toMatch(/^one\/quick +\d+/m);
    expect(out).toMatch(/^two\/cheap +\d+/m);
  });

  it('says the same for the same seed, byte for byte, and otherwise not', async () => {
    const [first, again, other] = await Promise.all([
      replay('--json', '--seed', '7'),
      replay('--json', '--seed', '7'),
      replay('--json', '--seed', '8'),
    ]);
    expect(again.out).toBe(first.out);
    expect(other.out).not.toBe(first.out);
  });

  it('gives its report as JSON', async () => {
    const { out } = await replay('--json', '--against', path('old.yaml'), '--surface', 'chat');
    const { report, against, notes, broken } = JSON.parse(out) as Json;
    expect(report).toMatchObject({ requests: 300, succeeded: 300, floorViolations: 0, shedRate: 0 });
    expect(report.surfaces.chat?.sloAttainment).toBeGreaterThan(0.8);
    expect(report.costUsd).toBeGreaterThan(against!.costUsd);
    expect({ notes, broken }).toEqual({ notes: [], broken: [] });
  });

  it('ends with 1 where a limit is broken, and names it', async () => {
    const { code, err } = await replay(
      ...[
        '--against',
        path('old.yaml'),
        '--max-cost-increase',
        '5%',
        '--min-slo',
        '99.9',
        '--max-fallback',
        '99',
      ],
    );
    expect(code).toBe(1);
    const lines = err.trim().split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/^limit broken: costs \$[\d.]+, at most \$[\d.]+ /);
    expect(lines[1]).toMatch(/^limit broken: surface none keeps its SLO for [\d.]+ %, at least 99\.90 %$/);
    expect(await replay('--against', path('old.yaml'), '--max-cost-increase', '900%')).toMatchObject({
      code: 0,
    });
  });

  it('notes what it had to assume', async () => {
    const argv = ['replay', '--config', path('new.yaml'), '--trace', path('trace.csv')];
    const { code, out } = await run(...argv);
    expect(code).toBe(0);
    expect(out).toMatch(
      /^note: nothing is known of one\/quick(?:, two\/cheap)?: a first token after about 500 ms/m,
    );
  });

  it('notes surfaces and classes that the configuration does not have', async () => {
    const trace = path('named.csv');
    await writeFile(
      trace,
      'time,prompt_tokens,answer_tokens,surface,class\n1000,500,50,chat,simple_queries\n2000,500,50,gone,riddles\n',
    );
    const { code, out } = await run('replay', '--config', path('new.yaml'), '--trace', trace, '--json');
    const { report, notes } = JSON.parse(out) as Json;
    expect(code).toBe(0);
    expect(report).toMatchObject({ requests: 2, succeeded: 1, rejected: 1 });
    expect(notes.slice(-2)).toEqual([
      'the configuration has no surface gone: replayed without one',
      'no rule serves the class riddles: such requests are rejected',
    ]);
  });

  it.each([
    [['replay', '--confg', 'x'], /^There is no option --confg\. Did you mean "config"\?$/],
    [['replay'], /^--config is required\.$/],
    [['replay', '--config', 'FILE/new.yaml'], /^--trace is required\.$/],
    [['replay', '--config', 'FILE/none.yaml', '--trace', 'x'], /none\.yaml: there is no such file$/],
    [
      ['replay', '--config', 'FILE/new.yaml', '--trace', 'FILE/none.csv'],
      /none\.csv: there is no such file$/,
    ],
    [['replay', '--config', 'FILE/script.yaml', '--trace', 'x'], /script\.yaml: events: unknown key/],
    [
      ['replay', '--config', 'FILE/new.yaml', '--trace', 'FILE/trace.csv', '--script', 'FILE/new.yaml'],
      /new\.yaml: providers: unknown key/,
    ],
    [
      ['replay', '--config', 'FILE/new.yaml', '--trace', 'FILE/new.yaml'],
      /new\.yaml:2: there is no column for/,
    ],
    [
      ['replay', '--config', 'FILE/new.yaml', '--trace', 'FILE/trace.csv', '--surface', 'chta'],
      /^--surface: the configuration has no surface "chta"; it has chat\.$/,
    ],
    [
      ['replay', '--config', 'FILE/new.yaml', '--trace', 'FILE/trace.csv', '--class', 'hard'],
      /^--class: no rule serves the class "hard"/,
    ],
    [['replay', '--config', 'FILE/new.yaml', '--trace', 'FILE/trace.csv', '--seed', 'x'], /^--seed must be/],
    [['replya'], /^There is no command "replya"\. Did you mean "replay"\?/],
    [[], /^nestjs-llm-router COMMAND/],
  ])('refuses %j with 2', async (argv, message) => {
    const { code, err, out } = await run(...argv.map((one) => one.replace('FILE', directory)));
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err.trim()).toMatch(message);
  });

  it('helps', async () => {
    const all = await run('--help');
    expect(all).toMatchObject({ code: 0, err: '' });
    expect(all.out).toMatch(/^ {2}replay .*\n {2}train /m);
    expect((await run('train', '--help')).out).toContain('--data FILE');
    const one = await run('replay', '--help');
    expect(one).toMatchObject({ code: 0, err: '' });
    for (const option of ['--config', '--against', '--trace', '--script', '--seed', '--json', '--min-slo']) {
      expect(one.out).toContain(option);
    }
  });

  it.skipIf(!existsSync(AZURE_TRACE))(
    'replays a production trace of 19,366 requests in seconds (skipped where ../shared is absent)',
    async () => {
      const startedAt = performance.now();
      const argv = [
        '--config',
        path('new.yaml'),
        '--trace',
        AZURE_TRACE,
        '--script',
        path('script.yaml'),
        '--json',
      ];
      const { code, out } = await run('replay', ...argv);
      console.info(`19,366 requests: ${((performance.now() - startedAt) / 1_000).toFixed(2)} s`);
      expect(code).toBe(0);
      const { report } = JSON.parse(out) as Json;
      expect(report).toMatchObject({ requests: 19_366, floorViolations: 0 });
      // Three seconds where nothing runs beside it.
      expect(performance.now() - startedAt).toBeLessThan(12_000);
    },
  );

  it('is the command of the package', async () => {
    const { bin } = JSON.parse(await readFile('package.json', 'utf8')) as { bin: object };
    expect(bin).toEqual({ 'nestjs-llm-router': './dist/cli/main.js' });
    expect(await readFile('lib/cli/main.ts', 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
    expect(await readFile('tools/bundle.mjs', 'utf8')).toContain("'cli/main': 'cli/main.js'");
  });
});
