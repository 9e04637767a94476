import { describe, expect, it } from 'vitest';
import { findContextFaults } from './find-context-faults.js';

describe('findContextFaults', () => {
  it('passes what is a limit', () => {
    expect(findContextFaults({ qualityFloor: 0, safetyFloor: 1, maxCostPerRequest: 0 })).toEqual([]);
  });

  it('finds a misspelt key, and passes those that the caller allows', () => {
    expect(findContextFaults({ qualityFlor: 1 } as object)).toEqual([
      { key: 'qualityFlor', message: 'is no option. Did you mean "qualityFloor"?' },
    ]);
    expect(findContextFaults({ signal: 1, nope: undefined } as object, new Set(['signal']))).toEqual([]);
  });

  it.each([
    ['qualityFloor', 60],
    ['qualityFloor', Number.NaN],
    ['qualityFloor', null],
    ['safetyFloor', -0.1],
    ['latencySloMs', 0],
    ['maxCostPerRequest', Number.POSITIVE_INFINITY],
    ['maxOutputTokens', 1.5],
    ['maxOutputTokens', '100'],
    ['deadlineMs', 0],
    ['deadlineMs', Number.NaN],
    ['deadlineMs', 2_147_483_648],
    ['workload', 'backgroun'],
  ])('finds %s = %s', (key, value) => {
    expect(findContextFaults({ [key]: value }).map((fault) => fault.key)).toEqual([key]);
  });
});
