import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readRateLimits } from './rate-limit-headers.js';

const NOW = Date.parse('2026-01-01T00:00:00Z');

const openAi = (reset: string): Record<string, string> => ({
  'x-ratelimit-limit-requests': '60',
  'x-ratelimit-remaining-requests': '15',
  'x-ratelimit-reset-requests': reset,
});

describe('readRateLimits', () => {
  it('reads requests and tokens of OpenAI', () => {
    const headers = {
      ...openAi('1s'),
      'x-ratelimit-limit-tokens': '150000',
      'x-ratelimit-remaining-tokens': '149984',
      'x-ratelimit-reset-tokens': '6m0s',
    };
    expect(readRateLimits(headers, NOW)).toEqual([
      { unit: 'requests', remaining: 15, limit: 60, resetAfterMs: 1_000 },
      { unit: 'tokens', remaining: 149_984, limit: 150_000, resetAfterMs: 360_000 },
    ]);
  });

  it('reads all limits of Anthropic', () => {
    const of = (name: string, remaining: string, reset: string): Record<string, string> => ({
      [`anthropic-ratelimit-${name}-limit`]: '1000',
      [`anthropic-ratelimit-${name}-remaining`]: remaining,
      [`anthropic-ratelimit-${name}-reset`]: reset,
    });
    const headers = {
      ...of('requests', '999', '2026-01-01T00:00:01Z'),
      ...of('input-tokens', '500', '2026-01-01T01:00:02+01:00'),
      ...of('output-tokens', '0', '2025-12-31T23:00:00Z'),
    };
    expect(readRateLimits(headers, NOW)).toEqual([
      { unit: 'requests', remaining: 999, limit: 1_000, resetAfterMs: 1_000 },
      { unit: 'tokens', remaining: 500, limit: 1_000, resetAfterMs: 2_000 },
      { unit: 'tokens', remaining: 0, limit: 1_000, resetAfterMs: 0 },
    ]);
  });

  it.each([
    ['12ms', 12],
    ['6m0s', 360_000],
    ['1h2m3.5s', 3_723_500],
    ['1d', 86_400_000],
    ['7.66s', 7_660],
    ['1m12ms', 60_012],
    ['59', 59_000],
    ['0s', 0],
    ['soon', undefined],
    ['-1s', undefined],
    ['', undefined],
    ['2026', 2_026_000],
    ['9'.repeat(80), undefined],
  ])('reads the reset %s', (reset, expected) => {
    expect(readRateLimits(openAi(reset), NOW)[0]?.resetAfterMs).toBe(expected);
  });

  it.each([
    ['nothing', {}],
    ['a limit of none', { 'x-ratelimit-limit-requests': '0', 'x-ratelimit-remaining-requests': '0' }],
    ['minus one for none', { 'x-ratelimit-limit-requests': '-1', 'x-ratelimit-remaining-requests': '-1' }],
    ['half of it', { 'x-ratelimit-remaining-requests': '5' }],
    ['words', { 'x-ratelimit-limit-requests': 'many', 'x-ratelimit-remaining-requests': 'few' }],
  ])('takes %s for no limit', (_name, headers: Record<string, string>) => {
    expect(readRateLimits(headers, NOW)).toEqual([]);
  });

  it('gives shares from 0 to 1 and times from 0, whatever it is sent', () => {
    const text = fc.oneof(
      fc.string(),
      fc.nat().map(String),
      fc.stringMatching(/^[0-9.]{1,8}(?:d|h|m|s|ms)$/),
    );
    fc.assert(
      fc.property(text, text, text, (limit, remaining, reset) => {
        const headers = {
          'x-ratelimit-limit-tokens': limit,
          'x-ratelimit-remaining-tokens': remaining,
          'x-ratelimit-reset-tokens': reset,
        };
        for (const window of readRateLimits(headers, NOW)) {
          expect(window.remaining / window.limit).toBeGreaterThanOrEqual(0);
          expect(window.remaining / window.limit).toBeLessThanOrEqual(1);
          expect(window.resetAfterMs ?? 0).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });
});
