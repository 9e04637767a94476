import { describe, expect, it } from 'vitest';
import { BadPlugInAnswer } from '../plug-in-gate.js';
import { confidenceQuestion, readConfidence } from './confidence-question.js';

describe('the question for confidence', () => {
  it.each([
    ['0', 0],
    [' 100 ', 1],
    ['85%', 0.85],
    ['7.', 0.07],
  ])('%j is %d', (answer, expected) => {
    expect(readConfidence(answer)).toBe(expected);
  });

  it.each(['', '101', '-1', '0.9', '90 of 100', 'very', 'NaN', '1e2'])('%j counts for nothing', (answer) => {
    expect(() => readConfidence(answer)).toThrow(BadPlugInAnswer);
  });

  it('holds request and answer as bounded data', () => {
    const { text } = confidenceQuestion('q'.repeat(50_000), 'a'.repeat(50_000));
    expect(text.length).toBeLessThan(8_100);
    expect(Object.keys(JSON.parse(text) as object)).toEqual(['request', 'answer']);
  });
});
