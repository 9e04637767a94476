import { TrainingDataError, type TrainingDataIssue } from './training-data-error.js';

/**
 * A prompt and how it went: both models' scores, or the gain of the strong one, or what a person says of it.
 *
 * @publicApi
 */
export interface TrainingRow {
  readonly prompt: string;
  /** 0 to 1, as is {@link score_weak}; both or neither. */
  readonly score_strong?: number;
  readonly score_weak?: number;
  /** Strong minus weak, -1 to 1. */
  readonly gain?: number;
  readonly label?: 'simple_queries' | 'complex_reasoning';
}

/** A row once read: what is to be learned of it. */
export interface Outcome {
  readonly prompt: string;
  /** The gain; of a label 0 or 1. */
  readonly gain: number;
}

export interface Outcomes {
  readonly kind: 'gain' | 'label';
  readonly outcomes: readonly Outcome[];
}

/** More rows than this are refused: they are all held in memory. */
export const MAX_TRAINING_ROWS = 100_000;
/** A longer prompt is refused: it is no prompt but a wrong file. */
const MAX_PROMPT_CHARACTERS = 2_000_000;
const KEPT_ISSUES = 1_000;

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isIn(value: unknown, least: number, most: number): value is number {
  return typeof value === 'number' && value >= least && value <= most;
}

/** The outcome of a row, or what is wrong with it. */
function readOutcome(row: unknown): { kind: Outcomes['kind']; outcome: Outcome } | string {
  if (!isRecord(row)) return 'is no JSON object.';
  const { prompt, score_strong: strong, score_weak: weak, gain, label } = row;
  if (typeof prompt !== 'string' || prompt.trim() === '') return '"prompt" must be a text that is not empty.';
  if (prompt.length > MAX_PROMPT_CHARACTERS) {
    return `"prompt" has ${prompt.length} characters; at most ${MAX_PROMPT_CHARACTERS}.`;
  }
  const hasScores = strong !== undefined || weak !== undefined;
  const ways = [hasScores, gain !== undefined, label !== undefined].filter(Boolean).length;
  if (ways === 0) return 'has no outcome: "score_strong" and "score_weak", or "gain", or "label".';
  if (ways > 1) return 'has more than one kind of outcome; give the scores, or "gain", or "label".';
  if (hasScores) {
    if (!isIn(strong, 0, 1)) return '"score_strong" must be a number from 0 to 1.';
    if (!isIn(weak, 0, 1)) return '"score_weak" must be a number from 0 to 1.';
    return { kind: 'gain', outcome: { prompt, gain: strong - weak } };
  }
  if (gain !== undefined) {
    if (!isIn(gain, -1, 1)) return '"gain" must be a number from -1 to 1.';
    return { kind: 'gain', outcome: { prompt, gain } };
  }
  if (label !== 'simple_queries' && label !== 'complex_reasoning') {
    return '"label" must be "simple_queries" or "complex_reasoning".';
  }
  return { kind: 'label', outcome: { prompt, gain: label === 'complex_reasoning' ? 1 : 0 } };
}

/** Collects the rows one by one, and everything that is wrong with them. */
class OutcomeReader {
  private readonly outcomes: Outcome[] = [];
  private readonly issues: TrainingDataIssue[] = [];
  private kind: Outcomes['kind'] | undefined;

  read(line: number, row: unknown): void {
    const found = readOutcome(row);
    if (typeof found === 'string') this.refuse(line, found);
    else if (this.kind !== undefined && found.kind !== this.kind) {
      this.refuse(line, 'has another kind of outcome than the first row: labels and scores cannot be mixed.');
    } else {
      this.kind = found.kind;
      this.outcomes.push(found.outcome);
    }
    if (this.outcomes.length > MAX_TRAINING_ROWS) {
      throw new TrainingDataError(`has more than ${MAX_TRAINING_ROWS} rows.`);
    }
  }

  refuse(line: number, message: string): void {
    this.issues.push({ line, message });
    if (this.issues.length >= KEPT_ISSUES)
      throw new TrainingDataError('has lines that cannot be used:', this.issues);
  }

  finish(): Outcomes {
    if (this.issues.length > 0) throw new TrainingDataError('has lines that cannot be used:', this.issues);
    if (this.kind === undefined) throw new TrainingDataError('has no rows.');
    return { kind: this.kind, outcomes: this.outcomes };
  }
}

/** @throws {@link TrainingDataError} */
export function readTrainingRows(rows: readonly unknown[]): Outcomes {
  const reader = new OutcomeReader();
  for (const [index, row] of rows.entries()) reader.read(index + 1, row);
  return reader.finish();
}

/**
 * JSONL: a row a line; empty lines are passed over.
 *
 * @throws {@link TrainingDataError}
 */
export function parseTrainingRows(text: string): Outcomes {
  const reader = new OutcomeReader();
  let line = 0;
  for (const written of text.replace(/^\uFEFF/, '').split('\n')) {
    line += 1;
    if (written.trim() === '') continue;
    let row: unknown;
    try {
      row = JSON.parse(written);
    } catch {
      // The parser's own words would quote the line.
      reader.refuse(line, 'is no JSON.');
      continue;
    }
    reader.read(line, row);
  }
  return reader.finish();
}
