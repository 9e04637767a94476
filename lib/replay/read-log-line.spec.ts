import { describe, expect, it } from 'vitest';
import { CLASSIFICATION_CLASS } from '../planning/index.js';
import { readLogLine } from './read-log-line.js';

const call = (promptTokens: number, completionTokens: number, more: object = {}): object => ({
  deployment: 'one/a',
  startedAtMs: 1_000,
  durationMs: 50,
  outcome: 'succeeded',
  usage: { promptTokens, completionTokens },
  ...more,
});

const line = (...calls: object[]): string =>
  JSON.stringify({
    v: 1,
    startedAtMs: 1_000,
    streamed: false,
    outcome: 'succeeded',
    requestClass: 'x',
    calls,
  });

describe('readLogLine', () => {
  it('takes the lengths of the answer that was given, and of no call that was made for the class', () => {
    const judge = call(200, 1, { requestClass: CLASSIFICATION_CLASS });
    const { request, calls } = readLogLine(line(judge, call(50, 70), judge, call(51, 300)));
    expect(request).toMatchObject({ promptTokens: 51, answerTokens: 300 });
    expect(calls).toHaveLength(4);
    expect(readLogLine(line(judge, call(50, 0, { outcome: 'failed' }))).request).toMatchObject({
      promptTokens: 50,
      answerTokens: 0,
    });
  });

  it('reads what was decided of lines that say it, and lines of before all the same', () => {
    const decided = (decision: unknown, v: unknown = 2): ReturnType<typeof readLogLine> =>
      readLogLine(JSON.stringify({ ...(JSON.parse(line(call(1, 2))) as object), v, decision }));
    const scored = { requestedModel: 'quick', score: 0.7, classifiedBy: 'scorer', threshold: 0.5 };
    expect(decided(scored).request).toMatchObject({ requestedModel: 'quick', score: 0.7 });
    // Decided by something else than its score.
    expect(decided({ ...scored, classifiedBy: 'judge' }).request).not.toHaveProperty('score');
    for (const odd of [
      undefined,
      null,
      7,
      'x',
      [],
      { requestedModel: 7, score: 'high', classifiedBy: 'scorer' },
    ]) {
      const { request } = decided(odd);
      expect(request).toMatchObject({ promptTokens: 1, answerTokens: 2 });
      expect(request).not.toHaveProperty('requestedModel');
      expect(request).not.toHaveProperty('score');
    }
    expect(decided(scored, undefined).request).toMatchObject({ requestedModel: 'quick' });
    expect(() => decided(scored, 3)).toThrow(/later version/);
    expect(() => decided(scored, 'two')).toThrow(/later version/);
  });
});
