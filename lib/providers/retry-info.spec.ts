import { describe, expect, it } from 'vitest';
import { retryInfoInTextMs, retryInfoMs } from './retry-info.js';

describe('retryInfoMs', () => {
  it.each([
    ['21s', 21_000],
    ['0.25s', 250],
    ['48.939935699s', 48_940],
    ['0s', 0],
    ['999999999s', 2 ** 31 - 1],
    ['21', undefined],
    ['-1s', undefined],
    [21, undefined],
    [undefined, undefined],
  ])('reads %j', (retryDelay, expected) => {
    const details = [{ '@type': 'type.googleapis.com/google.rpc.Help' }, null, { retryDelay }];
    expect(retryInfoMs(details)).toBe(expected);
  });

  it('takes no list for no wait', () => {
    expect(retryInfoMs({ retryDelay: '1s' })).toBeUndefined();
  });

  it('finds it in a quoted error', () => {
    expect(retryInfoInTextMs(JSON.stringify({ error: { details: [{ retryDelay: '7s' }] } }))).toBe(7_000);
    expect(retryInfoInTextMs('Please retry in 7s.')).toBeUndefined();
    expect(retryInfoInTextMs(undefined)).toBeUndefined();
  });
});
