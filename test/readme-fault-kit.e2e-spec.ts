import { readFile } from 'node:fs/promises';
import { ModuleKind, ScriptTarget, transpile } from 'typescript';
import * as nestTesting from '@nestjs/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import * as llmRouter from 'nestjs-llm-router';
import * as kit from 'nestjs-llm-router/testing';
import { createFaultBench, expectInterrupted, type FaultBench, readStream } from './support/fault-bench.js';

const PAGE = new URL('../lib/testing/README.md', import.meta.url);
const MODULES: Readonly<Record<string, unknown>> = {
  '@nestjs/testing': nestTesting,
  'nestjs-llm-router': llmRouter,
  'nestjs-llm-router/testing': kit,
};

interface Block {
  readonly section: string;
  readonly code: string;
}

let page: string;
let blocks: readonly Block[];
beforeAll(async () => {
  page = await readFile(PAGE, 'utf8');
  blocks = page.split(/^## /m).flatMap((part) => {
    const section = part.slice(0, part.indexOf('\n'));
    return [...part.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code = '']) => ({ section, code }));
  });
});

/** Runs a block as it stands, with the kit's names and those given in scope. */
async function run(code: string, scope: Readonly<Record<string, unknown>> = {}): Promise<void> {
  const names: Record<string, unknown> = { ...kit, expect, ...scope };
  const script = transpile(`export const run = async () => {\n${withoutImports(code, names)}\n};`, {
    module: ModuleKind.CommonJS,
    target: ScriptTarget.ES2022,
  });
  const exported: { run?: () => Promise<void> } = {};
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- our own page, and the point of the test
  const load = new Function('exports', ...Object.keys(names), script) as (...values: unknown[]) => void;
  load(exported, ...Object.values(names));
  await exported.run!();
}

/** Takes the imports out, and what they import into the names; an import of what is not there fails the test. */
function withoutImports(code: string, names: Record<string, unknown>): string {
  return code.replaceAll(/^import \{ (.*) \} from '(.*)';$/gm, (_line, imported: string, from: string) => {
    for (const name of imported.split(', ')) {
      const value = (MODULES[from] as Record<string, unknown> | undefined)?.[name];
      expect(value, `${name} of ${from}`).toBeDefined();
      names[name] = value;
    }
    return '';
  });
}

/** Takes seconds, or for ever: what these do is in the tests of the router's timers and bounds. */
const SLOW = /^(?:no_headers|late_headers|stalled_|slow_drip|oversized_body|oversized_line)/;

/** The rows of the table under a heading, each as its cells. */
function tableOf(heading: string): string[][] {
  const section = page.split(`## ${heading}\n`)[1]?.split(/^## /m)[0] ?? '';
  return section
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|').map((cell) => cell.trim().replaceAll(/^`|`$/g, '')));
}

function evaluate(expression: string): unknown {
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- our own page, and the point of the test
  return (new Function(`return (${expression});`) as () => unknown)();
}

describe("the page's table of faults", () => {
  let faulty: kit.ScriptedUpstream;
  let healthy: kit.ScriptedUpstream;
  let bench: FaultBench;
  const names = Object.keys(kit.everyFault()).filter((name) => !SLOW.test(name));

  beforeAll(async () => {
    faulty = await kit.createScriptedUpstream({
      api: 'openai',
      reply: () => ({ text: 'one two three four' }),
      latency: { timeToFirstTokenMs: 0, tokensPerSecond: 50 },
    });
    healthy = await kit.createScriptedUpstream({ api: 'anthropic', reply: () => ({ text: 'Fallback.' }) });
    // A rule and a model for each: what one fault teaches the router does not change the plan of the next.
    const rules = names.flatMap((name) => [`${name}_whole`, `${name}_stream`]);
    bench = await createFaultBench({
      platform: 'fastify',
      options: {
        providers: {
          faulty: { api: 'openai', baseUrl: faulty.baseUrl, apiKey: 'key-1' },
          healthy: { api: 'anthropic', baseUrl: healthy.baseUrl, apiKey: 'key-2' },
        },
        models: {
          ...Object.fromEntries(rules.map((rule) => [`model-${rule}`, { provider: 'faulty' }])),
          spare: { provider: 'healthy' },
        },
        routingRules: Object.fromEntries(
          rules.map((rule) => [rule, { primary: `model-${rule}`, fallback: 'spare' }]),
        ),
      },
    });
  });

  afterAll(async () => {
    await bench.close();
    await Promise.all([faulty.close(), healthy.close()]);
  });

  /** `next`, `event` or `answers`, and the kinds of error that may be behind it. */
  function promiseOf(cell: string): { readonly what: string; readonly kinds: readonly string[] } {
    const kinds = /\((.*)\)/.exec(cell)?.[1]?.match(/`(\w+)`/g) ?? [];
    return { what: /^\w+/.exec(cell)?.[0] ?? '', kinds: kinds.map((kind) => kind.replaceAll('`', '')) };
  }

  async function whatHappens(rule: string, streamed: boolean): Promise<{ what: string; kind?: string }> {
    const body = { model: rule, messages: [{ role: 'user' as const, content: 'Count to four' }] };
    bench.clear();
    let said: string;
    if (streamed) {
      const read = await readStream(bench.url, body);
      said = read.text;
      if (read.error !== undefined) expectInterrupted(read);
      if (read.error !== undefined) said = 'event';
    } else {
      const response = await fetch(`${bench.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      const completion = (await response.json()) as { choices: { message: { content: string } }[] };
      said = completion.choices[0]!.message.content;
    }
    await bench.whenEnded(1);
    const words: Record<string, string> = { 'Fallback.': 'next', 'one two three four': 'answers' };
    return { what: words[said] ?? said, kind: bench.attempts[0]?.errorKind };
  }

  it.each([false, true])('says what happens (streamed: %s)', async (streamed) => {
    for (const [, name = '', , whole = '', stream = ''] of tableOf('All faults')) {
      if (!names.includes(name)) continue;
      await faulty.heal();
      faulty.failAlways(kit.everyFault()[name]!);
      const cell = streamed && !stream.includes('the same') ? stream : whole;
      const { what, kinds } = promiseOf(cell);
      const happened = await whatHappens(`${name}_${streamed ? 'stream' : 'whole'}`, streamed);
      if (name !== 'reset_reused') expect([name, happened.what]).toEqual([name, what]);
      if (happened.kind !== undefined) expect(kinds, name).toContain(happened.kind);
    }
    await bench.expectQuiet(faulty, healthy);
  });
});

describe('the page of the fault kit', () => {
  let upstream: kit.ScriptedUpstream;

  beforeEach(async () => {
    upstream = await kit.createScriptedUpstream({ api: 'openai' });
  });

  afterEach(() => upstream.close());

  const ran = new Set<string>();
  afterAll(() => {
    expect([...ran].sort()).toEqual([...new Set(blocks.map(({ section }) => section))].sort());
  });

  it.each([
    'Start',
    'Which requests fail',
    'Retry-After in all its forms',
    'Limits: capacity, headroom, keys',
    'No name, no TLS',
    'Look at what came',
  ])('has blocks that run: %s', async (section) => {
    const own = blocks.filter((block) => block.section === section);
    expect(own.length).toBeGreaterThan(0);
    ran.add(section);
    if (section === 'Look at what came')
      void fetch(`${upstream.baseUrl}/chat/completions`, { method: 'POST' });
    for (const { code } of own) await run(code, { upstream });
  });

  it('lists every fault, each by the line that makes it', () => {
    const rows = tableOf('All faults').map(([, name = '', code = '']) => [name, evaluate(code)]);
    const faults = Object.entries(kit.everyFault()).filter(([name]) => !name.startsWith('rate_limited_'));
    expect(rows).toEqual(faults);
  });

  it('lists every form of Retry-After', () => {
    const rows = tableOf('Retry-After in all its forms').map(([, name = '', code = '']) => [
      name,
      evaluate(code),
    ]);
    expect(rows).toEqual(Object.entries(kit.retryAfterForms(2)));
  });

  it('leads only to headings that are there', async () => {
    const anchors = [...page.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor]) => anchor);
    const headings = [...page.matchAll(/^## (.*)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\w -]/g, '')
        .replaceAll(' ', '-'),
    );
    expect(anchors).toEqual(headings);
    const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
    expect(readme).toContain('## Test your application');
  });
});
