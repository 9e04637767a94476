import { readFileSync, statSync } from 'node:fs';
import { EVERYDAY_ANCHORS } from './everyday-anchors.js';
import { fitLinear } from './linear-model.js';
import { type Head, type NeedModel, predictHead, predictMargin, type Reading } from './need-model.js';
import { readPrompt } from './read-request.js';
import { apgr, apgrBetterment } from './routing-measures.js';
import { seededRandom, shuffledIndices } from './seeded-random.js';
import { fitLine } from './surface-line.js';
import { builtInModel } from './trained-scorer.js';
import { TrainingDataError } from './training-data-error.js';
import { type Outcomes, parseTrainingRows, readTrainingRows, type TrainingRow } from './training-rows.js';
import { fitTrees } from './tree-model.js';
import { decodeWeights, encodeWeights, MAX_HEADS } from './weights-file.js';

const DEFAULT_SEED = 1;
const MAX_FILE_BYTES = 500_000_000;
/** Fewer prompts teach nothing that could be told from chance. */
const LEAST_PROMPTS = 40;
const FOLDS = 5;
/** How much of what was learned is added, in standard deviations of the base: tried in turn, the least that does best is taken. */
const AMOUNTS = [0.25, 0.5, 1, 2, 4];
/** An amount is tried only with so many prompts for each part of it. */
const PROMPTS_PER_AMOUNT = 100;
/** An amount must better the area under the curve by so many standard errors: or chance would choose it. */
const LEAST_ERRORS = 1.5;
/** The own head's sum is held within so many standard deviations of itself: other prompts than these it knows nothing of. */
const FURTHEST = 2;
/** What the anchors weigh together, of all rows; and how many of them may fall on the wrong side of the threshold. */
const ANCHOR_SHARE = 0.5;
const LOST_ANCHORS = 1;
const LARGEST_BIAS = 2;

/** @publicApi */
export interface TrainClassifierOptions {
  /** Outcomes, 100,000 at most; or {@link file}. */
  readonly rows?: readonly TrainingRow[];
  /** Path of a JSONL file with a {@link TrainingRow} a line. */
  readonly file?: string;
  /** Weights to start from. @defaultValue the shipped ones */
  readonly base?: Uint8Array;
  /** The same seed and rows give the same bits. @defaultValue 1 */
  readonly seed?: number;
}

/** @publicApi */
export interface TrainingReport {
  readonly rows: number;
  readonly distinctPrompts: number;
  readonly kind: 'gain' | 'label';
  /** Mean gain of the strong model; of labels: the share of `complex_reasoning`. */
  readonly meanGain: number;
  /** Area under the performance gap recovered on these rows, by the weights it started from; a random order has 0.5. */
  readonly baseApgr: number | undefined;
  /** The same, each row scored by weights that had not seen its prompt. */
  readonly heldOutApgr: number | undefined;
  /** Whether anything was learned; if not, the weights are those it started from, and `note` says why. */
  readonly changed: boolean;
  readonly note: string;
}

/** @publicApi */
export interface TrainedWeights {
  /** To be written to a file, and given to `TrainedScorer`. */
  readonly weights: Uint8Array;
  readonly report: TrainingReport;
}

/** A distinct prompt with the mean of its outcomes. */
interface Sample extends Reading {
  readonly gain: number;
  readonly weight: number;
  /** Of the model it started from. */
  readonly margin: number;
}

function readOutcomes({ rows, file }: TrainClassifierOptions): Outcomes {
  if (rows !== undefined && file !== undefined)
    throw new TrainingDataError('is given twice: as rows and as a file.');
  if (rows !== undefined) return readTrainingRows(rows);
  if (file === undefined) throw new TrainingDataError('is missing: give rows or a file.');
  let text: string;
  try {
    const stats = statSync(file);
    // A pipe that nobody writes to would be read for ever.
    if (!stats.isFile()) throw new TrainingDataError('is no regular file.');
    const { size } = stats;
    if (size > MAX_FILE_BYTES)
      throw new TrainingDataError(`has ${size} bytes; at most ${MAX_FILE_BYTES} are read.`);
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (TrainingDataError.isInstance(error)) throw error;
    throw new TrainingDataError(
      `cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'}).`,
      [],
      error,
    );
  }
  return parseTrainingRows(text);
}

function samplesOf({ outcomes }: Outcomes, base: NeedModel): Sample[] {
  const byPrompt = new Map<string, { sum: number; count: number }>();
  for (const { prompt, gain } of outcomes) {
    const seen = byPrompt.get(prompt) ?? { sum: 0, count: 0 };
    byPrompt.set(prompt, { sum: seen.sum + gain, count: seen.count + 1 });
  }
  return Array.from(byPrompt, ([prompt, { sum, count }]) => {
    const reading = readPrompt(prompt);
    // A prompt asked again is better known, but it is still one prompt.
    return { ...reading, gain: sum / count, weight: Math.sqrt(count), margin: predictMargin(base, reading) };
  });
}

/** An everyday prompt that is to stay on its side. */
interface Anchor extends Reading {
  readonly margin: number;
}

function anchorsOf(base: NeedModel): Anchor[] {
  return [...EVERYDAY_ANCHORS.simple, ...EVERYDAY_ANCHORS.complex].map((prompt) => {
    const reading = readPrompt(prompt);
    return { ...reading, margin: predictMargin(base, reading) };
  });
}

interface Moments {
  readonly mean: number;
  readonly deviation: number;
}

function momentsOf(samples: readonly Sample[], value: (sample: Sample) => number): Moments {
  let total = 0;
  let sum = 0;
  for (const sample of samples) {
    total += sample.weight;
    sum += sample.weight * value(sample);
  }
  const mean = sum / total;
  let squares = 0;
  for (const sample of samples) squares += sample.weight * (value(sample) - mean) ** 2;
  return { mean, deviation: Math.sqrt(squares / total) };
}

/** Learns what the base leaves over of the gain; the fewer the rows, the less is believed. */
function fitHead(samples: readonly Sample[], anchors: readonly Anchor[], seed: number): Head {
  const gain = momentsOf(samples, (sample) => sample.gain);
  const margin = momentsOf(samples, (sample) => sample.margin);
  let products = 0;
  let total = 0;
  for (const sample of samples) {
    products += sample.weight * (sample.gain - gain.mean) * (sample.margin - margin.mean);
    total += sample.weight;
  }
  const slope =
    margin.deviation > 0 ? Math.max(0, products / total / (margin.deviation * margin.deviation)) : 0;
  const scale = gain.deviation > 0 ? 1 / gain.deviation : 0;
  const anchorWeight = (ANCHOR_SHARE * total) / anchors.length;
  const targets = [
    ...samples.map(({ terms, surface, gain: measured, margin: predicted, weight }) => ({
      terms,
      surface,
      weight,
      target: (measured - gain.mean - slope * (predicted - margin.mean)) * scale,
    })),
    ...anchors.map(({ terms, surface }) => ({ terms, surface, weight: anchorWeight, target: 0 })),
  ];
  return {
    linear: fitLinear(targets, 3, seededRandom(seed)),
    trees: fitTrees(
      targets,
      {
        trees: 60,
        depth: 2,
        shrinkage: 0.06,
        ridge: 10,
        leastWeight: Math.max(8, samples.length / 50),
        sampleShare: 0.7,
        featureShare: 0.4,
      },
      seededRandom(seed + 1),
    ),
    line: fitLine(targets, 100),
    linearShare: 1,
    treeShare: 1,
    // A line runs on for ever: outside of what it was fitted to it says the most where it knows the least.
    lineShare: 0,
    limit: Infinity,
    factor: 1,
  };
}

/** Own predictions of samples that the head which makes them has not seen. */
function heldOut(samples: readonly Sample[], anchors: readonly Anchor[], seed: number): Float64Array {
  const predictions = new Float64Array(samples.length);
  const order = shuffledIndices(samples.length, seededRandom(seed));
  for (let fold = 0; fold < FOLDS; fold += 1) {
    const out = new Set(order.filter((_, index) => index % FOLDS === fold));
    const head = fitHead(
      samples.filter((_, index) => !out.has(index)),
      anchors,
      seed + fold,
    );
    for (const index of out) {
      const sample = samples[index];
      if (sample !== undefined) predictions[index] = predictHead(head, sample);
    }
  }
  return predictions;
}

/**
 * Shift of the margin at which most labels fall on their side of it; towards 0 the fewer there are.
 */
function biasFor(samples: readonly Sample[], margins: ArrayLike<number>): number {
  const order = samples
    .map(({ gain }, index) => ({ margin: margins[index] ?? 0, complex: gain >= 0.5 }))
    .sort((first, second) => first.margin - second.margin);
  const complexes = order.filter(({ complex }) => complex).length;
  // All above the border to begin with; then one after the other falls under it.
  let right = complexes;
  const unshifted = order.filter(({ margin, complex }) => margin >= 0 === complex).length;
  let best = unshifted + Math.sqrt(order.length);
  let shift = 0;
  for (const [index, { margin, complex }] of order.entries()) {
    right += complex ? -1 : 1;
    const next = order[index + 1]?.margin;
    if (next === undefined || next === margin || right <= best) continue;
    best = right;
    shift = -(margin + next) / 2;
  }
  const believed = order.length / (order.length + 50);
  return Math.fround(Math.min(Math.max(shift * believed, -LARGEST_BIAS), LARGEST_BIAS));
}

function unchanged(
  base: NeedModel,
  report: Omit<TrainingReport, 'changed' | 'note'>,
  note: string,
): TrainedWeights {
  return { weights: encodeWeights(base), report: { ...report, changed: false, note } };
}

/**
 * Trains the classifier further on outcomes of the user's own: starts from the shipped weights, learns what they leave
 * over, and adds as much of it as helps on rows held out. Where nothing helps, the weights stay as they were.
 *
 * Synchronous and takes seconds: for a script, not for a server that answers.
 *
 * @throws {@link TrainingDataError} for rows that cannot be learned from, with the lines at fault.
 * @throws {@link WeightsFileError} for a `base` that cannot be used.
 * @publicApi
 */
export function trainClassifier(options: TrainClassifierOptions): TrainedWeights {
  const base = options.base === undefined ? builtInModel() : decodeWeights(options.base);
  const seed = options.seed ?? DEFAULT_SEED;
  const read = readOutcomes(options);
  const samples = samplesOf(read, base);
  const gains = samples.map(({ gain }) => gain);
  const margins = samples.map(({ margin }) => margin);
  const gain = momentsOf(samples, (sample) => sample.gain);
  const baseApgr = apgr(margins, gains);
  const report = {
    rows: read.outcomes.length,
    distinctPrompts: samples.length,
    kind: read.kind,
    meanGain: gain.mean,
    baseApgr,
    heldOutApgr: baseApgr,
  };
  if (samples.length < LEAST_PROMPTS) {
    return unchanged(
      base,
      report,
      `Fewer than ${LEAST_PROMPTS} distinct prompts teach nothing that could be trusted.`,
    );
  }
  if (!(gain.deviation > 1e-6))
    return unchanged(base, report, 'All outcomes are the same: there is nothing to tell apart.');
  if (baseApgr === undefined) {
    return unchanged(
      base,
      report,
      'The strong model is on the whole no better on these prompts: there is no gain to route for.',
    );
  }
  if (base.heads.length >= MAX_HEADS) {
    return unchanged(
      base,
      report,
      `These weights were trained further ${MAX_HEADS} times already: start from the shipped ones.`,
    );
  }

  const anchors = anchorsOf(base);
  const predictions = heldOut(samples, anchors, seed);
  const spread = Math.max(momentsOf(samples, (sample) => sample.margin).deviation, 1e-3);
  const own = Math.sqrt(predictions.reduce((sum, value) => sum + value * value, 0) / predictions.length);
  const unit = own > 0 ? spread / own : 0;
  const mixed = (amount: number): number[] =>
    margins.map((margin, index) => margin + amount * unit * (predictions[index] ?? 0));
  const limit = Math.fround(FURTHEST * own);
  const head: Head = { ...fitHead(samples, anchors, seed), limit };
  const lost = (factor: number): number =>
    anchors.filter(({ margin, ...anchor }) => {
      const moved = margin + factor * predictHead(head, anchor);
      return margin >= 0 !== moved >= 0;
    }).length;
  let amount = 0;
  let heldOutApgr = baseApgr;
  let best = 0;
  for (const tried of AMOUNTS) {
    if (tried * PROMPTS_PER_AMOUNT > samples.length || lost(tried * unit) > LOST_ANCHORS) break;
    const scores = mixed(tried);
    const { difference, standardError } = apgrBetterment(scores, margins, gains);
    const sure = difference - LEAST_ERRORS * standardError;
    if (sure > best) {
      best = sure;
      amount = tried;
      heldOutApgr = apgr(scores, gains) ?? baseApgr;
    }
  }
  const bias = read.kind === 'label' ? biasFor(samples, mixed(amount)) : 0;
  if (amount === 0 && bias === 0) {
    return unchanged(
      base,
      report,
      'What was learned did not help on rows held out: the weights stay as they were.',
    );
  }
  const model: NeedModel = {
    bias: base.bias + bias,
    heads: amount === 0 ? base.heads : [...base.heads, { ...head, factor: Math.fround(amount * unit) }],
  };
  return {
    weights: encodeWeights(model),
    report: {
      ...report,
      heldOutApgr,
      changed: true,
      note:
        amount === 0
          ? 'The threshold was moved; the order of prompts stays.'
          : 'Learned, and better on rows held out.',
    },
  };
}
