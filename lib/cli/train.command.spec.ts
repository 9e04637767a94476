import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TrainedScorer } from '../classification/trained/index.js';
import { trainCommand } from './train.command.js';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'train-command-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

async function run(...argv: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  let stdout = '';
  let stderr = '';
  const code = await trainCommand(argv, {
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
  });
  return { code, stdout, stderr };
}

function dataFile(count: number): string {
  const path = join(directory, 'outcomes.jsonl');
  const lines = Array.from({ length: count }, (_, index) =>
    JSON.stringify({
      prompt: `Case ${index}: the ${index % 3 === 0 ? 'wickmere' : 'almanac'} module does not answer.`,
      score_strong: 1,
      score_weak: index % 3 === 0 ? 0 : 1,
    }),
  );
  writeFileSync(path, lines.join('\n'));
  return path;
}

describe('train', () => {
  it('writes weights that the scorer loads, and tells what they are worth', async () => {
    const out = join(directory, 'weights.bin');
    const { code, stdout, stderr } = await run('--data', dataFile(200), '--out', out, '--seed', '7');
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toContain('200 (200 distinct prompts, by gain)');
    expect(stdout).toMatch(/APGR before +0\.\d{3}[^]*APGR held out +0\.\d{3}/);
    expect(() => new TrainedScorer(readFileSync(out))).not.toThrow();
    expect(readdirSync(directory).sort()).toEqual(['outcomes.jsonl', 'weights.bin']);
    const again = join(directory, 'again.bin');
    await run('--data', dataFile(200), '--out', again, '--seed', '7');
    expect(readFileSync(again).equals(readFileSync(out))).toBe(true);
    expect((await run('--data', dataFile(200), '--out', again, '--base', out)).code).toBe(0);
  });

  it('says how it is called', async () => {
    const help = await run('--help');
    expect(help.code).toBe(0);
    expect(help.stdout).toContain('--data FILE');
    for (const argv of [
      [],
      ['--data', 'x'],
      ['--out', 'x'],
      ['--wrong'],
      ['stray'],
      ['--data', 'x', '--out', 'y', '--seed', '1.5'],
      ['--data', 'x', '--out', 'y', '--seed', 'abc'],
    ]) {
      const { code, stderr } = await run(...argv);
      expect(code, argv.join(' ')).toBe(2);
      // One line that says what is wrong, as of the other commands.
      expect(stderr).toMatch(/^[^\n]+\n$/);
    }
    expect((await run('--sed', '3')).stderr).toBe('There is no option --sed. Did you mean "seed"?\n');
  });

  it('ends with 2 for a file that cannot be used, with 1 where it cannot write, and says why in a line', async () => {
    const out = join(directory, 'weights.bin');
    const noData = join(directory, 'none');
    expect(await run('--data', noData, '--out', out)).toMatchObject({
      code: 2,
      stderr: `${noData}: The training data cannot be read (ENOENT).\n`,
    });
    const noWeights = dataFile(50);
    expect(await run('--data', noWeights, '--out', out, '--base', noWeights)).toMatchObject({
      code: 2,
      stderr: `${noWeights}: The classifier's weights file is none: it does not begin as one.\n`,
    });
    const faulty = join(directory, 'faulty.jsonl');
    writeFileSync(faulty, '{"prompt": 3}');
    const { code, stderr } = await run('--data', faulty, '--out', out);
    expect(code).toBe(2);
    expect(stderr).toContain('line 1: "prompt"');
    expect(stderr).not.toContain('    at ');
    const elsewhere = join(directory, 'no', 'such', 'place');
    expect(await run('--data', dataFile(50), '--out', elsewhere)).toMatchObject({
      code: 1,
      stderr: `Cannot write ${elsewhere} (ENOENT).\n`,
    });
    const wrongBase = await run('--data', dataFile(50), '--out', out, '--base', faulty);
    expect(wrongBase.code).toBe(2);
    expect(wrongBase.stderr).toContain('weights file is none');
    const noBase = join(directory, 'none.bin');
    expect(await run('--data', dataFile(50), '--out', out, '--base', noBase)).toMatchObject({
      code: 2,
      stderr: `Cannot read ${noBase} (ENOENT).\n`,
    });
  });
});
