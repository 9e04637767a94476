import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const BENCH = fileURLToPath(new URL('../../../bench/alerts/run.mjs', import.meta.url));

it('a real 4 % is told of within two windows, and a steady 1 % at most once a week, in each of 50 seeds', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [BENCH, '--seeds', '50', '--json']);
  console.log(stdout.trim());
  expect(JSON.parse(stdout)).toMatchObject({ seeds: 50, detected: 50, missed: 0, isGood: true });
}, 60_000);
