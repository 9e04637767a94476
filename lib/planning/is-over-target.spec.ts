import { describe, expect, it } from 'vitest';
import { isOverTarget } from './is-over-target.js';

describe('isOverTarget', () => {
  it.each<[string, (number | undefined)[], boolean]>([
    ['nothing known', [], false],
    ['one window over it', [1_200], false],
    ['one window over it, after one under it', [1_200, 800], false],
    ['two windows over it', [1_200, 1_100], true],
    ['two windows over it, with a gap between them', [1_200, undefined, 1_100], false],
    ['two windows over it, some time ago, and nothing since', [undefined, undefined, 1_200, 1_100], true],
    ['well within it since', [800, 1_200, 1_100], false],
    ['just within it since: it is not called back yet', [950, 1_200, 1_100], true],
    ['just within it after one window over it', [950, 1_200, 800], false],
  ])('%s', (_what, recent, expected) => {
    expect(isOverTarget(recent, 1_000)).toBe(expected);
  });
});
