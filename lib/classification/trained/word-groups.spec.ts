import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unspacedHints } from './word-groups.js';

describe('unspacedHints', () => {
  it.each([
    ['请证明这个定理', { hard: 1, easy: 0 }],
    ['比较它们的优点', { hard: 1, easy: 0 }],
    ['比较这个', { hard: 0, easy: 0 }],
    ['你好，谢谢', { hard: 0, easy: 2 }],
    ['翻訳してください。なぜですか', { hard: 1, easy: 1 }],
    ['왜 그런가요? 비교해 주세요', { hard: 2, easy: 0 }],
    ['a 首都 b', { hard: 0, easy: 1 }],
    ['证明'.repeat(9), { hard: 5, easy: 0 }],
    ['Prove it.', { hard: 0, easy: 0 }],
    ['', { hard: 0, easy: 0 }],
  ])('%j', (text, expected) => {
    expect(unspacedHints(text)).toEqual(expected);
  });

  it('counts what is there between anything else', () => {
    // None of its signs is one of a hint.
    const noise = fc.string({ unit: fc.constantFrom('a', ' ', '中', '\n', 'é', '🙂', '。') });
    fc.assert(
      fc.property(fc.array(noise, { maxLength: 8 }), (parts) => {
        const hints = Math.max(0, parts.length - 1);
        expect(unspacedHints(parts.join('设计'))).toEqual({ hard: Math.min(hints, 5), easy: 0 });
      }),
    );
  });
});
