import { describe, expect, it } from 'vitest';
import { findContextFaults } from './find-context-faults.js';

describe('findContextFaults', () => {
  it('passes what is a limit', () => {
    expect(findContextFaults({ qualityFloor: 0, safetyFloor: 1, maxCostPerRequest: 0 })).toEqual([]);
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
