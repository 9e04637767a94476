import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readPrompt } from './read-request.js';
import { predictMargin } from './need-model.js';
import { apgr } from './routing-measures.js';
import { seededRandom } from './seeded-random.js';
import { trainClassifier } from './train-classifier.js';
import { builtInModel } from './trained-scorer.js';
import { TrainingDataError } from './training-data-error.js';
import { MAX_TRAINING_ROWS, type TrainingRow } from './training-rows.js';
import { decodeWeights, encodeWeights } from './weights-file.js';

const directory = mkdtempSync(join(tmpdir(), 'train-classifier-'));
afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

/**
 * Tickets of a made-up product. What is hard about them no other traffic tells: the weak model knows nothing of two of its
 * modules. An outcome is right or wrong, and chance has its part.
 */
function tickets(count: number, seed: number): { prompt: string; gain: number }[] {
  const random = seededRandom(seed);
  const pick = (from: readonly string[]): string => from[Math.floor(random() * from.length)] ?? '';
  return Array.from({ length: count }, () => {
    const part = pick(['ledgerbox', 'quantil', 'porthole', 'tessera', 'wickmere', 'almanac']);
    const verb = pick(['shows', 'loses', 'repeats', 'rejects', 'delays']);
    const thing = pick(['my entries', 'the totals', 'two invoices', 'the last import', 'a customer']);
    const when = pick([
      'since Monday',
      'after the update',
      'every evening',
      'on one account',
      'when I log in',
    ]);
    const hard = part === 'quantil' || part === 'tessera';
    const chance = random();
    const gain = hard ? (chance < 0.6 ? 1 : 0) : chance < 0.08 ? 1 : chance < 0.12 ? -1 : 0;
    return { prompt: `Ticket ${Math.floor(random() * 1e6)}: ${part} ${verb} ${thing} ${when}.`, gain };
  });
}

function apgrOf(weights: Uint8Array, rows: readonly { prompt: string; gain: number }[]): number {
  const model = decodeWeights(weights);
  const scores = rows.map(({ prompt }) => predictMargin(model, readPrompt(prompt)));
  return (
    apgr(
      scores,
      rows.map(({ gain }) => gain),
    ) ?? Number.NaN
  );
}

const shipped = encodeWeights(builtInModel());

function messageOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    expect(TrainingDataError.isInstance(error)).toBe(true);
    return (error as Error).message;
  }
  throw new Error('nothing was thrown');
}

describe('trainClassifier', () => {
  it('gets better on held-out rows of a kind by 500 rows of it', () => {
    const unseen = tickets(800, 77);
    const { weights, report } = trainClassifier({ rows: tickets(500, 3) });
    const before = apgrOf(shipped, unseen);
    const after = apgrOf(weights, unseen);
    console.info(`500 rows: APGR ${before.toFixed(3)} -> ${after.toFixed(3)} on rows not trained on`);
    expect(after).toBeGreaterThan(before + 0.1);
    // And says so of itself without those rows.
    expect(report).toMatchObject({ rows: 500, kind: 'gain', changed: true });
    expect(report.baseApgr).toBeCloseTo(before, 0);
    expect(Math.abs((report.heldOutApgr ?? 0) - after)).toBeLessThan(0.08);
  });

  it('does no harm by few rows', () => {
    const unseen = tickets(800, 78);
    const before = apgrOf(shipped, unseen);
    for (const count of [1, 10, 60, 120]) {
      const { weights } = trainClassifier({ rows: tickets(count, 5) });
      expect(apgrOf(weights, unseen), `${count} rows`).toBeGreaterThan(before - 0.03);
    }
  });

  it('finds nothing in outcomes that are chance', () => {
    const reports = [1, 2, 3, 4, 5, 6].map((seed) => {
      const random = seededRandom(seed);
      const rows = tickets(300, seed + 50).map(({ prompt }) => ({ prompt, gain: random() < 0.3 ? 1 : 0 }));
      return trainClassifier({ rows, seed }).report;
    });
    expect(reports.filter(({ changed }) => changed).length).toBeLessThanOrEqual(1);
    for (const { baseApgr, heldOutApgr } of reports) {
      expect((heldOutApgr ?? 1) - (baseApgr ?? 0)).toBeLessThan(0.06);
    }
  });

  it('leaves everyday prompts on their side of the threshold', () => {
    const model = decodeWeights(trainClassifier({ rows: tickets(500, 3) }).weights);
    expect(predictMargin(model, readPrompt('Thanks a lot, bye!'))).toBeLessThan(0);
    expect(predictMargin(model, readPrompt('What is the capital of Chile?'))).toBeLessThan(0);
    expect(predictMargin(model, readPrompt('Prove that there is no largest prime number.'))).toBeGreaterThan(
      0,
    );
  });

  it('gives the same bits for the same rows and seed', () => {
    const rows = tickets(200, 4);
    expect(trainClassifier({ rows, seed: 5 })).toEqual(trainClassifier({ rows, seed: 5 }));
  });

  it('goes on from weights of its own, until there are too many heads', () => {
    let base: Uint8Array | undefined;
    const notes: string[] = [];
    for (let round = 0; round < 8; round += 1) {
      const { weights, report } = trainClassifier({ rows: tickets(300, 10 + round), ...(base && { base }) });
      base = weights;
      notes.push(report.note);
    }
    expect(decodeWeights(base!).heads.length).toBeLessThanOrEqual(8);
    expect(apgrOf(base!, tickets(500, 99))).toBeGreaterThan(apgrOf(shipped, tickets(500, 99)) + 0.1);
    expect(notes.length).toBe(8);
  }, 60_000);

  it('learns from labels, and moves the threshold to where they part', () => {
    const rows = tickets(500, 12).map(({ prompt }): TrainingRow => {
      const hard = prompt.includes('quantil') || prompt.includes('tessera');
      return { prompt, label: hard ? 'complex_reasoning' : 'simple_queries' };
    });
    const model = decodeWeights(trainClassifier({ rows }).weights);
    const right = tickets(400, 13).filter(({ prompt }) => {
      const hard = prompt.includes('quantil') || prompt.includes('tessera');
      return predictMargin(model, readPrompt(prompt)) >= 0 === hard;
    });
    expect(right.length / 400).toBeGreaterThan(0.9);
  });

  it.each([
    ['one row', [{ prompt: 'a', gain: 1 }], /Fewer than/],
    ['one prompt, often', Array.from({ length: 200 }, () => ({ prompt: 'a', gain: 1 })), /Fewer than/],
    ['outcomes all alike', tickets(100, 1).map((row) => ({ ...row, gain: 1 })), /the same/],
    [
      'a strong model that is worse',
      tickets(100, 1).map((row) => ({ ...row, gain: -row.gain })),
      /no better/,
    ],
  ])('leaves the weights as they were for %s', (_name, rows, note) => {
    const { weights, report } = trainClassifier({ rows });
    expect(weights).toEqual(shipped);
    expect(report.changed).toBe(false);
    expect(report.note).toMatch(note);
  });

  it('counts a prompt once, however often it comes', () => {
    const rows = tickets(100, 2);
    const { report } = trainClassifier({ rows: [...rows, ...rows, ...rows] });
    expect(report).toMatchObject({ rows: 300, distinctPrompts: 100 });
  });

  it('takes any text for a prompt', () => {
    const odd = ['\uD800', '🙂', '\0', ' x ', 'a'.repeat(1_000_000), '中'.repeat(9_000)];
    const rows = tickets(60, 2).map(({ prompt, gain }, index) => ({
      prompt: `${odd[index % 6] ?? ''}${prompt}`,
      gain,
    }));
    const { weights } = trainClassifier({ rows });
    expect(Number.isFinite(predictMargin(decodeWeights(weights), readPrompt('x')))).toBe(true);
  });

  it('names every line at fault, and quotes none', () => {
    const file = join(directory, 'faults.jsonl');
    writeFileSync(
      file,
      [
        '{"prompt":"fine","gain":1}',
        'secret words, no JSON',
        '',
        '{"prompt":"","gain":1}',
        '{"prompt":"secret","score_strong":0.5}',
        '{"prompt":"secret","score_strong":5,"score_weak":1}',
        '{"prompt":"secret","gain":"1"}',
        '{"prompt":"secret","label":"hard"}',
        '{"prompt":"secret","label":"simple_queries"}',
        '{"prompt":"secret","gain":1,"label":"simple_queries"}',
        '{"prompt":"secret"}',
        '[1]',
        '{"gain":NaN}',
      ].join('\r\n'),
    );
    const message = messageOf(() => trainClassifier({ file }));
    expect(message).not.toContain('secret');
    for (const line of [
      'line 2: is no JSON.',
      'line 4: "prompt"',
      'line 5: "score_weak"',
      'line 6: "score_strong"',
      'line 7: "gain" must be a number',
      'line 8: "label" must be',
      'line 9: has another kind',
      'line 10: has more than one',
      'line 11: has no outcome',
      'line 12: is no JSON object',
      'and 1 more',
    ]) {
      expect(message).toContain(line);
    }
  });

  it('refuses what is no data at all', () => {
    const empty = join(directory, 'empty.jsonl');
    writeFileSync(empty, '\n\n');
    expect(messageOf(() => trainClassifier({ file: empty }))).toContain('has no rows');
    expect(messageOf(() => trainClassifier({ file: join(directory, 'none') }))).toContain('ENOENT');
    expect(messageOf(() => trainClassifier({ file: directory }))).toContain('is no regular file');
    expect(messageOf(() => trainClassifier({ file: '/dev/null' }))).toContain('is no regular file');
    expect(messageOf(() => trainClassifier({}))).toContain('is missing');
    expect(messageOf(() => trainClassifier({ rows: [], file: empty }))).toContain('twice');
    const many = new Array<TrainingRow>(MAX_TRAINING_ROWS + 1).fill({ prompt: 'a', gain: 1 });
    expect(messageOf(() => trainClassifier({ rows: many }))).toContain(`more than ${MAX_TRAINING_ROWS}`);
  });
});
