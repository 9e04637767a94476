import { defineConfig } from 'vitest/config';
import { fileURLToPath } from 'node:url';
import { LongestFirst } from './test/support/longest-first.js';

const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** What bounds times and memory closely: nothing runs beside it. */
const alone = [
  'execution-client-leaves',
  'execution-overload',
  'reload',
  'stream-pass-through',
  'hostile-host*',
  'nest-surface-concurrency',
].map((name) => `test/${name}.e2e-spec.ts`);

/** What starts whole applications or bounds times loosely: less beside it than beside the others. */
const apart = [
  'execution-faults-*',
  'execution-limits',
  'execution-live-choice',
  'execution-outage',
  'regression-signals',
  '*-sample',
].map((name) => `test/${name}.e2e-spec.ts`);

export default defineConfig({
  resolve: {
    // One copy of the package, or samples and tests would load two and injection would fail.
    alias: [
      { find: /^nestjs-llm-router\/testing$/, replacement: file('./lib/testing.ts') },
      { find: /^nestjs-llm-router\/ai-sdk$/, replacement: file('./lib/ai-sdk/index.ts') },
      { find: /^nestjs-llm-router$/, replacement: file('./lib/index.ts') },
    ],
  },
  test: {
    setupFiles: ['reflect-metadata'],
    // For what hangs: a machine that stands still for seconds is none of that.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        // What takes the processor: one on each core. Times in them are bounded by `quickestMs`.
        test: {
          name: 'unit',
          include: ['lib/**/*.spec.ts', 'sample/**/*.spec.ts'],
          isolate: false,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/**/*.e2e-spec.ts'],
          exclude: [...alone, ...apart],
          isolate: false,
          // Most of them wait for each other's processes and timers.
          maxWorkers: 4,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'apart',
          include: apart,
          isolate: false,
          maxWorkers: 3,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: { name: 'alone', include: alone, isolate: false, maxWorkers: 1, sequence: { groupOrder: 3 } },
      },
    ],
  },
});
