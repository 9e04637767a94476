import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { DecisionNotFoundError } from '../errors/index.js';
import { type AnswerFault, type RequestLabels, TelemetryBus } from '../telemetry/index.js';
import { AnsweredDecisions } from './answered-decisions.js';
import { QualityScores } from './quality-scores.js';

const HOUR_MS = 3_600_000;
const labelsOf = (decisionId: string, surface = 'support'): RequestLabels => ({
  decisionId,
  surface,
  workload: 'interactive',
  requestClass: 'simple_queries',
  streamed: false,
});
const SERVED = { deployment: 'p/m', model: 'm', provider: 'p' };

describe('quality of answers', () => {
  let bus: TelemetryBus;
  let nowMs: number;
  let scores: QualityScores;
  let decisions: AnsweredDecisions;

  beforeEach(() => {
    bus = new TelemetryBus();
    nowMs = 1_000 * HOUR_MS;
    scores = new QualityScores(bus, () => nowMs);
    decisions = new AnsweredDecisions(bus, 3, () => nowMs);
  });

  const answer = (score: number, faults: AnswerFault[] = [], surface?: string): void => {
    bus.emit('answer-evaluated', { ...labelsOf('d', surface), ...SERVED, score, faults });
  };

  it('is counted by model, class and surface, the ones with most answers first', () => {
    answer(0.5, ['wrong_language'], 'draft');
    answer(1);
    answer(0.6, ['cut_off']);
    const { windowMs, scores: figures } = scores.report();
    expect(windowMs).toBe(24 * HOUR_MS);
    expect(figures).toMatchObject([
      { model: 'm', requestClass: 'simple_queries', surface: 'support', evaluated: 2, score: 0.8 },
      { surface: 'draft', evaluated: 1, score: 0.5, feedback: { count: 0, score: null } },
    ]);
    expect(figures[0]?.faults).toEqual({
      schema_invalid: 0,
      tool_call_invalid: 0,
      refusal: 0,
      empty: 0,
      cut_off: 1,
      wrong_language: 0,
    });
  });

  it('leaves the window hour by hour', () => {
    answer(0);
    nowMs += 12 * HOUR_MS;
    answer(1);
    expect(scores.report().scores).toMatchObject([{ evaluated: 2, score: 0.5 }]);
    nowMs += 12 * HOUR_MS;
    expect(scores.report().scores).toMatchObject([{ evaluated: 1, score: 1 }]);
    nowMs += 12 * HOUR_MS;
    expect(scores.report().scores).toEqual([]);
  });

  it('is bounded: who had no answer for longest goes', () => {
    answer(1, [], 'first');
    for (let count = 0; count < 2_000; count += 1) answer(1, [], `surface-${count}`);
    const surfaces = scores.report().scores.map(({ surface }) => surface);
    expect(surfaces).toHaveLength(2_000);
    expect(surfaces).not.toContain('first');
  });

  it('takes the last word on an answer, whenever the first one was', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            decision: fc.constantFrom('a', 'b', 'c'),
            score: fc.integer({ min: 0, max: 4 }).map((value) => value / 4),
            laterMs: fc.constantFrom(0, 1_000, HOUR_MS, 5 * HOUR_MS),
          }),
          { minLength: 1, maxLength: 12 },
        ),
        (words) => {
          bus = new TelemetryBus();
          scores = new QualityScores(bus, () => nowMs);
          decisions = new AnsweredDecisions(bus, 3, () => nowMs);
          for (const id of ['a', 'b', 'c']) decisions.remember(labelsOf(id), SERVED, '');
          const last = new Map<string, { score: number; slot: number }>();
          for (const { decision, score, laterMs } of words) {
            nowMs += laterMs;
            decisions.score(decision, score);
            last.set(decision, { score, slot: Math.floor(nowMs / HOUR_MS) });
          }
          const counted = [...last.values()].filter(({ slot }) => slot > Math.floor(nowMs / HOUR_MS) - 24);
          const mean = counted.reduce((sum, { score }) => sum + score, 0) / counted.length;
          const [figures] = scores.report().scores;
          expect(figures?.feedback.count).toBe(counted.length);
          expect(figures?.feedback.score).toBeCloseTo(mean, 3);
        },
      ),
    );
  });

  it('knows the last answers alone', () => {
    for (const id of ['a', 'b', 'c', 'd']) decisions.remember(labelsOf(id), SERVED, '');
    expect(decisions.size).toBe(3);
    expect(() => decisions.score('a', 1)).toThrow(DecisionNotFoundError);
    expect(decisions.score('d', 1).isReplacement).toBe(false);
  });
});
