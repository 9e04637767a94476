import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** What models.dev says of o3 and text-embedding-3-small, as the catalogue has them; nothing else. */
const O3 = {
  id: 'o3',
  family: 'o',
  release_date: '2025-04-16',
  reasoning: true,
  tool_call: true,
  structured_output: true,
  open_weights: false,
  cost: { input: 2, output: 8, cache_read: 0.5 } as Record<string, unknown>,
  limit: { context: 200_000, output: 100_000 },
  modalities: { input: ['text', 'image', 'pdf'], output: ['text'] },
};
const EMBEDDING = {
  id: 'text-embedding-3-small',
  family: 'text-embedding',
  release_date: '2024-01-25',
  cost: { input: 0.02, output: 0 },
  limit: { context: 8191, output: 1536 },
  modalities: { input: ['text'], output: ['text'] },
};
/** As models.dev's api.json has it. */
const apiJson = (...models: object[]) => ({
  openai: { models: Object.fromEntries(models.map((model) => [(model as { id: string }).id, model])) },
});

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Each run loads the TypeScript compiler: half a second of an idle core, much more of a busy one. */
describe('catalog:update', () => {
  let folder: string;
  let catalog: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'catalog-'));
    catalog = join(folder, 'catalog');
    await cp(join(ROOT, 'lib/catalog'), catalog, { recursive: true });
  });

  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  const run = (...given: string[]): Promise<Run> =>
    new Promise((resolve) => {
      const all = [join(ROOT, 'tools/catalog-update.mjs'), '--catalog', catalog, ...given];
      execFile(process.execPath, all, { timeout: 30_000 }, (error, out, err) => {
        resolve({ code: error === null ? 0 : Number(error.code), out, err });
      });
    });
  const place = async (name: string, json: unknown): Promise<string> => {
    const file = join(folder, name);
    await writeFile(file, JSON.stringify(json));
    return file;
  };
  const source = (file: string): Promise<string> => readFile(join(catalog, file), 'utf8');
  const REASONING = 'models/openai-reasoning.models.ts';

  const CHANGED = {
    ...O3,
    status: 'deprecated',
    limit: { context: 250_000, output: 100_000 },
    cost: { ...O3.cost, output: 9, tiers: [{ tier: { size: 128_000 }, input: 4, output: 12 }] },
    modalities: { ...O3.modalities, input: ['text', 'image'] },
  };

  it('says what changed, here of a URL, and writes nothing unasked', async () => {
    const server = createServer((_request, response) => {
      response.end(JSON.stringify(apiJson(CHANGED, EMBEDDING)));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const before = await source(REASONING);
      const { port } = server.address() as AddressInfo;
      const { code, out } = await run('--models', `http://127.0.0.1:${port}/api.json`);
      expect(code).toBe(0);
      expect(out).toContain('o3 outputPer1M: 8 -> 9');
      expect(out).toContain('o3 contextWindow: 200000 -> 250000');
      expect(out).toContain('o3 deprecated: false -> true');
      expect(out).toContain('o3 documents: true -> false');
      expect(out).toContain(
        'o3 longContext: none -> [{"aboveInputTokens":128000,"inputPer1M":4,"outputPer1M":12}]',
      );
      expect(out).toContain('gpt-5 (openai/gpt-5)');
      expect(out).not.toContain('text-embedding-3-small ');
      expect(await source(REASONING)).toBe(before);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it('writes what changed when asked, and nothing else; and takes it back when the source does', async () => {
    const o3Of = (text: string): string =>
      text.slice(text.indexOf("    name: 'o3',"), text.indexOf("    name: 'o3-mini',"));
    const before = await source(REASONING);
    expect((await run('--models', await place('api.json', apiJson(CHANGED)), '--write')).code).toBe(0);
    const after = await source(REASONING);
    expect(o3Of(after)).toContain('outputPer1M: 9');
    expect(o3Of(after)).toContain(
      'longContext: [{ aboveInputTokens: 128_000, inputPer1M: 4, outputPer1M: 12 }]',
    );
    expect(o3Of(after)).toContain('contextWindow: 250_000');
    expect(o3Of(after)).toContain('deprecated: true');
    expect(o3Of(after)).toContain(
      "capabilities: ['streaming', 'tools', 'json_schema', 'vision', 'reasoning']",
    );
    expect(after.replace(o3Of(after), '')).toBe(before.replace(o3Of(before), ''));
    expect(await source('sources.ts')).toMatch(/models: \{ name: '[^']*', commit: 'unknown', date: '20\d\d-/);

    await run('--models', await place('api.json', apiJson(O3)), '--write');
    expect(await source(REASONING)).toBe(before);
  });

  it('reports odd prices and leaves them to a person', async () => {
    const odd = { ...O3, cost: { input: 0.002, output: 0.008, cache_read: 0 } };
    const young = {
      ...O3,
      id: 'o9',
      release_date: '2099-01-01',
      cost: { input: 5, output: 1 },
    };
    const before = await source(REASONING);
    const { out } = await run('--models', await place('api.json', apiJson(odd, young)), '--write');
    expect(out).toMatch(/o3: cached input is free, input is not/);
    expect(out).toMatch(/o3: inputPer1M 0.002 is 1000 times off the catalogue's 2/);
    expect(out).toContain('o3 inputPer1M: 2 -> 0.002 (left: odd)');
    expect(out).toMatch(/openai\/o9 \(2099-01-01\) \$5 in, \$1 out ODD: output \(1\) is cheaper/);
    expect(await source(REASONING)).toBe(before);
  });

  it('leaves to a person a step whose length the source does not say, and a price it no longer has', async () => {
    const prices = async (): Promise<(string | undefined)[]> =>
      [
        [await source(REASONING), 'gpt-5.5'],
        [await source('models/xai.models.ts'), 'grok-4.3'],
      ].map(
        ([text, name]) =>
          text?.match(new RegExp(`name: '${name}',[^]*?\\n {4}(price: [^]*?)\\n {4}\\w`))?.[1],
      );
    const before = await prices();
    expect(before).toEqual([expect.stringContaining('272_000'), expect.stringContaining('1.25')]);
    const json = {
      openai: {
        models: {
          'gpt-5.5': {
            ...O3,
            release_date: '2026-04-23',
            cost: {
              ...{ input: 5, output: 30, cache_read: 0.5 },
              context_over_200k: { input: 10, output: 45, cache_read: 1 },
            },
          },
        },
      },
      xai: { models: { 'grok-4.3': { ...O3, cost: undefined } } },
    };
    const { out } = await run('--models', await place('api.json', json), '--write');
    expect(out).toMatch(/gpt-5\.5 longContext: .*272000.* -> .*200000.* \(left: odd\)/);
    expect(out).toMatch(/gpt-5\.5: the source does not say from which length/);
    expect(out).toMatch(/grok-4\.3 inputPer1M: 1\.25 -> none \(left: odd\)/);
    expect(out).toMatch(/grok-4\.3: the source has no price of it/);
    expect(await prices()).toEqual(before);
  });

  it('names a new model until it is in the catalogue, or left out with a reason', async () => {
    const young = { ...O3, id: 'o9', release_date: '2026-07-20' };
    const extract = async (date: string, ...models: object[]): Promise<string> =>
      place(`${date}.json`, { date, models: models.map((model) => ({ ...model, provider: 'openai' })) });
    const NEW = /New models of the makers\n {2}openai\/o9 \(2026-07-20\)/;
    const first = await extract('2026-08-01', O3, young);
    expect((await run('--models', first, '--write')).out).toMatch(NEW);
    expect(await source('sources.ts')).toContain("date: '2026-08-01', seenUntil: '2026-07-02'");
    const second = await extract('2026-09-01', O3, young);
    expect((await run('--models', second, '--write')).out).toMatch(NEW);

    const differences = await place('differences.json', {
      'openai/o9': { reason: 'a preview' },
      'openai/o8': { reason: 'gone' },
    });
    const { out } = await run('--models', second, '--write', '--differences', differences);
    expect(out).not.toMatch(/o9/);
    expect(out).toMatch(/nothing asks for\n {2}openai\/o8/);
    expect(await source('sources.ts')).toContain("date: '2026-09-01', seenUntil: '2026-09-01'");
  });

  it('leaves alone what is meant to differ, until the source says something new', async () => {
    const meant = {
      'o3.outputPer1M': { source: 9, reason: 'a slip of theirs' },
      'o3.contextWindow': { source: 1, reason: 'another slip' },
      'o0.tools': { source: true, reason: 'a model that is gone' },
    };
    const { out } = await run(
      ...['--models', await place('api.json', apiJson(CHANGED)), '--write'],
      ...['--differences', await place('differences.json', meant)],
    );
    expect(out).not.toContain('o3 outputPer1M');
    expect(out).toContain('o3 contextWindow: 200000 -> 250000 (left: meant to differ, another slip)');
    expect(out).toMatch(/nothing asks for\n {2}o0.tools/);
    expect(await source(REASONING)).toMatch(/name: 'o3',[^}]*outputPer1M: 8,/);
    expect(await source(REASONING)).not.toContain('250_000');
  });

  it("reads the arena's own file, writes its ratings, and names entries that are gone", async () => {
    const rating = (value: number) => ({
      rating: value + 0.4,
      rating_q025: value - 5,
      rating_q975: value + 5,
    });
    const leaderboard = Object.fromEntries(
      ['full', 'hard_6', 'coding', 'math'].map((category, index) => [
        category,
        { 'gpt-4-0613': rating(1200 + index), 'gpt-5': rating(1400) },
      ]),
    );
    const ratings = await place('leaderboard.json', leaderboard);
    const { code, out } = await run('--ratings', ratings, '--write');
    expect(code).toBe(0);
    expect(out).toContain('gpt-4-0613 full: [1187,1183,1191] -> [1200,1195,1205]');
    expect(out).toMatch(/Gone from the source[^\n]*\n(?: {2}[^\n]+\n)* {2}gpt-5\.1\n/);
    expect(out).toMatch(/Unrated[^\n]*\n {2}gpt-5\n/);
    expect(await source('arena-ratings.ts')).toContain(
      "  'gpt-4-0613': [[1200, 1195, 1205], [1201, 1196, 1206], [1202, 1197, 1207], [1203, 1198, 1208]],\n",
    );
    expect(await source('sources.ts')).toContain("models: { name: 'anomalyco/models.dev', commit: 'f3fc692'");
  });

  it('says in one line what it cannot read', async () => {
    const missing = join(folder, 'missing.json');
    const { code, out, err } = await run('--models', missing);
    expect(code).toBe(1);
    expect(out).toBe('');
    expect(err).toMatch(/^catalog:update: [^\n]*missing\.json[^\n]*\n$/);
  });
});
