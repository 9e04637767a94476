import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hintOf, MARKERS } from './reasoning-markers.js';
import { countMatches } from './count-matches.js';
import { startsOf, startsOfPattern, WordStarts } from './word-starts.js';

/** Whether each marker's own pattern, made anew, finds something. */
const matchesOf = (text: string): number[] =>
  MARKERS.map(({ pattern }) => (new RegExp(pattern.source, pattern.flags).test(text) ? 1 : 0));

/** Whole alternatives of the patterns, as a text would have them, and what may stand around them. */
const WORDS = [
  ...new Set(
    MARKERS.flatMap(({ pattern }) =>
      pattern.source
        .replace(/\\b|\^/g, '')
        .replace(/\[(\w| |-)[^\]]*\]\??/g, '$1')
        .replace(/(.)\?(?!:)/g, '$1')
        .replace(/\\d(?:\{[\d,]+\})?/g, '7')
        .replace(/\\(.)/g, '$1')
        .split(/[|()]|\?:/)
        .filter((word) => word.trim() !== ''),
    ),
  ),
];

/** For patterns whose words are told apart by what stands before them. */
const SENTENCES = [
  'Why does it fail? Explain how.',
  'Tell me how to build it, and whether we should.',
  'Write a small script.',
  'What is that?',
  'Is O(n) right? 1 < 2, $x$ too.',
  '1. ```code```',
  'Hello!',
  'Should I go, or how would one do it?',
];

const text = fc
  .array(
    fc.oneof(
      fc.constantFrom(...WORDS),
      fc.constantFrom(...WORDS).map((word) => word.toUpperCase()),
      fc.constantFrom(
        ' ',
        '. ',
        '\n',
        '! ',
        '; ',
        '_',
        '7',
        ' to ',
        'Please ',
        '中',
        '\u017f',
        '\u212a',
        'O(n)',
        '```',
        '≤',
        '\\frac',
        '$x$',
      ),
      fc.string({ unit: 'binary', maxLength: 8 }),
    ),
    { maxLength: 12 },
  )
  .chain((parts) => fc.constantFrom(' ', '').map((between) => parts.join(between)));

describe('WordStarts', () => {
  const starts = new WordStarts(MARKERS.map(hintOf));
  /** The patterns that match, each of which must have been told of. */
  const told = (content: string): number[] => {
    const found = [...starts.find(content)];
    return matchesOf(content).flatMap((matches, index) => {
      if (matches === 0) return [];
      expect(found[index], `${MARKERS[index]?.pattern.source ?? ''} in ${JSON.stringify(content)}`).toBe(1);
      return [index];
    });
  };

  it('tells of every pattern that matches', () => {
    const examples = [...SENTENCES, ...WORDS.map((word) => `Please ${word} that. How many?`)];
    const seen = new Set(examples.flatMap(told));
    expect(MARKERS.filter((_marker, index) => !seen.has(index)).map(({ pattern }) => pattern.source)).toEqual(
      [],
    );
  });

  it('tells of them whatever stands around', () => {
    fc.assert(
      fc.property(text, (content) => {
        told(content);
      }),
      { numRuns: 5_000 },
    );
  });

  it('leaves out most of them for an ordinary text', () => {
    const ordinary =
      'The parcel came on Monday but the blue cup was broken. Could you send another one? My address is the same.';
    const found = starts.find(ordinary);
    expect(found.reduce((sum, one) => sum + one, 0)).toBeLessThan(MARKERS.length / 4);
  });

  it('knows a start at the beginning of a word alone, in either case', () => {
    const few = new WordStarts([
      { starts: ['plan'], signs: '' },
      { starts: [], signs: '=≤' },
    ]);
    const of = (content: string): number[] => [...few.find(content)];
    expect(of('a PLANet')).toEqual([1, 0]);
    expect(of('explan _plan 7plan')).toEqual([0, 0]);
    expect(of('中plan')).toEqual([1, 1]);
    expect(of('a=b')).toEqual([0, 1]);
    expect(of('')).toEqual([0, 0]);
  });

  it.each(['3d', 'über', "what's", ' a', ''])('refuses the start %j, which it would never find', (start) => {
    expect(() => new WordStarts([{ starts: [start], signs: '' }])).toThrow(/start/);
  });
});

describe('countMatches', () => {
  it('counts as `matchAll` does, up to the cap', () => {
    fc.assert(
      fc.property(text, (content) => {
        for (const { pattern, cap } of MARKERS) {
          const all = [...content.matchAll(new RegExp(pattern.source, pattern.flags))].length;
          expect(countMatches(content, pattern, cap)).toBe(Math.min(all, cap));
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('startsOf', () => {
  it.each([
    ['analy[sz]e|trade-?off', ['analy', 'tradeoff', 'trade-off']],
    ['(?:show|let) that', ['show', 'let']],
    ['(?:(?:a|b)c|d)(?:x|y)?', ['a', 'b', 'd']],
    ['scal(?:e|ing)', ['scal']],
    ['c\\+\\+|node\\.js', ['c++', 'node.js']],
    ['a[(]b|c', ['a', 'c']],
    ['\\.net', undefined],
    ['\\$?\\d|x{2}', undefined],
    ['go*d', ['g']],
    ['(?:a|b)?c', undefined],
    ['.a', undefined],
    ['', undefined],
  ])('of %j are %j', (source, expected) => {
    if (expected === undefined) expect(() => startsOf(source)).toThrow('may begin with any character');
    else expect(startsOf(source)).toEqual(expected);
  });
});

describe('startsOfPattern', () => {
  it('wants a word to begin with, in each alternative', () => {
    expect(startsOfPattern(/\b(?:foo|bar)\b/)).toEqual(['foo', 'bar']);
    expect(startsOfPattern(/^foo/)).toEqual(['foo']);
    for (const pattern of [/foo/, /\bfoo|bar/, /(?:foo|bar)/]) {
      expect(() => startsOfPattern(pattern)).toThrow('may begin within a word');
    }
  });
});
