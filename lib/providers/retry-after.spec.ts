import { describe, expect, it } from 'vitest';
import { parseRetryAfter } from './retry-after.js';

const NOW = Date.parse('2026-01-01T00:00:00Z');

describe('parseRetryAfter', () => {
  it.each([
    ['seconds', { 'retry-after': '17' }, 17_000],
    ['part of a second', { 'retry-after': '0.25' }, 250],
    ['milliseconds before seconds', { 'retry-after-ms': '120', 'retry-after': '9' }, 120],
    ['unreadable milliseconds', { 'retry-after-ms': 'soon', 'retry-after': '9' }, 9000],
    ['an HTTP date', { 'retry-after': 'Thu, 01 Jan 2026 00:00:21 GMT' }, 21_000],
    ['a date in the past', { 'retry-after': 'Wed, 31 Dec 2025 23:59:00 GMT' }, 0],
    ['a negative number', { 'retry-after': '-5' }, undefined],
    ['more than a timer holds', { 'retry-after': '99999999999999' }, 2 ** 31 - 1],
    ['a number without end', { 'retry-after': '9'.repeat(400) }, 2 ** 31 - 1],
    ['endless milliseconds', { 'retry-after-ms': '9'.repeat(400) }, 2 ** 31 - 1],
    ['a date that is far away', { 'retry-after': 'Fri, 31 Dec 9999 23:59:59 GMT' }, 2 ** 31 - 1],
    ['words', { 'retry-after': 'in a while' }, undefined],
    ['an empty value', { 'retry-after': ' ' }, undefined],
    ['nothing', {}, undefined],
  ])('reads %s', (_name, headers: Record<string, string>, expected) => {
    expect(parseRetryAfter(headers, NOW)).toBe(expected);
  });
});
