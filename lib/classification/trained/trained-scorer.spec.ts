import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { collectGarbage } from '../../../test/support/collect-garbage.js';
import { quickestMicroseconds, quickestMs } from '../../../test/support/quickest.js';
import { validateChatRequest } from '../../chat/index.js';
import { extractFeatures, type RequestFeatures } from '../request-features.js';
import { TrainedScorer } from './trained-scorer.js';

const scorer = new TrainedScorer();

function featuresOf(content: string): RequestFeatures {
  return extractFeatures(validateChatRequest({ messages: [{ role: 'user', content }] }));
}

const score = (content: string): number => scorer.score(featuresOf(content));

describe('TrainedScorer', () => {
  it('gives a score in [0, 1] for any text, the same each time', () => {
    const other = new TrainedScorer();
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 400 }),
      fc.string({ unit: 'grapheme', maxLength: 200 }),
      fc.lorem({ maxCount: 100 }),
    );
    fc.assert(
      fc.property(text, text, (content, between) => {
        const features = featuresOf(content);
        const first = scorer.score(features);
        expect(first).toBeGreaterThanOrEqual(0);
        expect(first).toBeLessThanOrEqual(1);
        // Nothing of the text before stays behind.
        scorer.score(featuresOf(between));
        expect(scorer.score(features)).toBe(first);
        expect(other.score(features)).toBe(first);
      }),
      { numRuns: 200 },
    );
  });

  it.each(['', ' ', '\n', '\0', '\uD800', '🙂', '𝔘𝔫𝔦', '१२३', 'A.', '?', "'"])('takes %j', (content) => {
    expect(score(content)).toBeGreaterThanOrEqual(0);
    expect(score(content)).toBeLessThanOrEqual(1);
  });

  it('puts what needs reasoning above 0.5 and what does not under it, in several languages', () => {
    for (const content of [
      'Prove that the product of two odd numbers is odd.',
      'Design a job queue that survives the loss of a region, and explain the trade-offs.',
      'My service leaks memory after each deploy. Help me find out why and fix it.',
      'Beweise, dass es unendlich viele Primzahlen gibt, und erkläre jeden Schritt.',
      'Analyse les causes de la chute de Rome et compare leur importance.',
    ]) {
      expect(score(content), content).toBeGreaterThan(0.5);
    }
    for (const content of [
      'Hello!',
      'Thanks, that helped.',
      'What is the capital of Chile?',
      'Translate to Dutch: see you on Monday.',
      'Merci beaucoup !',
      '¿Qué hora es?',
    ]) {
      expect(score(content), content).toBeLessThan(0.5);
    }
  });

  it('is read once, however many scorers there are, within a few milliseconds', () => {
    expect(quickestMs(1, () => new TrainedScorer())).toBeLessThan(1);
  });

  it('does not compile its patterns again after each collection of garbage', () => {
    // Asks for nearly all of them.
    const features = featuresOf(
      'Prove that the matrix is optimal. Solve it, compare trade-offs step by step, explain why, and how would you do it? ' +
        'Should we write a small script? Design a strategy for deadlocks in python, given 3 constraints: O(n), $x$ < 4.\n' +
        '1. Translate it. What time is it, and how many synonyms?',
    );
    for (let call = 0; call < 20; call += 1) scorer.score(features);
    // 13 ms where the patterns are copied at each call.
    let least = Number.POSITIVE_INFINITY;
    for (let round = 0; round < 10 && least >= 3; round += 1) {
      collectGarbage();
      collectGarbage();
      least = Math.min(
        least,
        quickestMs(Number.POSITIVE_INFINITY, () => scorer.score(features)),
      );
    }
    expect(least).toBeLessThan(3);
  });

  it('takes under 1 ms at 4 KB', () => {
    const content =
      'The migration must not lose a row, so we compare both tables (a = b) and log what differs.\n'
        .repeat(50)
        .slice(0, 4096);
    const features = featuresOf(content);
    const microseconds = quickestMicroseconds(1_000, 100, () => scorer.score(features));
    console.info(`trained scorer at 4 KB: ${microseconds.toFixed(0)} us`);
    expect(microseconds).toBeLessThan(1_000);
  });

  // White space, digits, openers and near-misses are what makes a pattern backtrack.
  it.each([
    '\n',
    ' ',
    '1',
    '- ',
    'function ',
    '`',
    'a',
    'é',
    '中',
    'def a',
    '\r\n',
    '{',
    'A. ',
    "'-",
    '1,',
    '🙂',
    'a b ',
  ])('stays quick on a megabyte of %j', (piece) => {
    const features = featuresOf(piece.repeat(Math.ceil(1_000_000 / piece.length)));
    expect(quickestMs(5, () => scorer.score(features))).toBeLessThan(5);
  });
});
