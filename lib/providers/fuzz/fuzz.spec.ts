import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadSeeds, runCase } from './index.spec-support.js';

/** `npm run bench:fuzz` runs a million, and bounds the heap. */
const CASES = 10_000;
const BATCHES = 10;
const SEED = 20_260_728;
/** A hang is told by the test's own time limit; a slow case must be slow every time. */
const MAX_CASE_MS = 250;

const fixtures = fileURLToPath(new URL('../../../../shared/fixtures', import.meta.url));
const seeds = loadSeeds(fixtures);

async function milliseconds(index: number): Promise<number> {
  const begun = performance.now();
  await runCase(SEED, index, seeds);
  return performance.now() - begun;
}

// Recordings are changed where they are there; without them, what is written by hand.
describe(`random and changed input to the parsers (seed ${SEED}, ${seeds.recordingCount} recordings)`, () => {
  it.each(Array.from({ length: BATCHES }, (_none, batch) => batch))('batch %i', async (batch) => {
    const start = (batch * CASES) / BATCHES;
    for (let index = start; index < start + CASES / BATCHES; index += 1) {
      try {
        const ms = await milliseconds(index);
        if (ms > MAX_CASE_MS) {
          const again = [await milliseconds(index), await milliseconds(index), await milliseconds(index)];
          expect(Math.min(...again), 'milliseconds of the case').toBeLessThan(MAX_CASE_MS);
        }
      } catch (error) {
        throw new Error(`npm run bench:fuzz -- --seed ${SEED} --case ${index}`, { cause: error });
      }
    }
  });
});
