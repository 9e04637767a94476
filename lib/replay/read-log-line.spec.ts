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
});
