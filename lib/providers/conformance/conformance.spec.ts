import { afterAll, describe, expect, it } from 'vitest';
import { describeAnswers } from './answers.spec-support.js';
import { describeCuts } from './cuts.spec-support.js';
import { describeErrors } from './errors.spec-support.js';
import { hasShared } from './recordings.spec-support.js';
import { ConformanceReport } from './report.spec-support.js';
import { describeRequests } from './requests.spec-support.js';

describe.skipIf(!hasShared)('conformance with recorded traffic (skipped where ../shared is absent)', () => {
  const report = new ConformanceReport();

  it('forgets no recording', () => {
    expect(report.forgotten).toEqual([]);
    expect(report.inScope.length).toBeGreaterThan(600);
  });

  describeAnswers(report);
  describeErrors(report);
  describeCuts(report);
  describeRequests(report);

  it('has passed or excluded every recording in scope, and excluded few', () => {
    expect(report.untouched).toEqual([]);
    expect(report.excludedCount).toBeLessThan(report.inScope.length * 0.02);
  });

  afterAll(() => {
    console.info(String(report));
  });
});
