import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import {
  trainClassifier,
  TrainingDataError,
  type TrainingReport,
  WeightsFileError,
} from '../classification/trained/index.js';
import { EXIT } from './cli-io.js';
import { describeOptions, type OptionDescriptions, parseOptions } from './parse-options.js';
import { UsageError } from './usage-error.js';

/** Where a command writes: a process's streams, or a test's. */
export interface CommandOutput {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

const OPTIONS = {
  data: {
    type: 'string',
    value: 'FILE',
    help:
      'JSONL, a row a line: { "prompt", "score_strong", "score_weak" } with scores from 0 to 1,\n' +
      'or { "prompt", "gain" }, or { "prompt", "label": "simple_queries" | "complex_reasoning" }',
  },
  out: { type: 'string', value: 'FILE', help: 'where the weights go' },
  base: { type: 'string', value: 'FILE', help: 'weights to start from (default those the package ships)' },
  seed: { type: 'string', value: 'NUMBER', help: 'the same seed and rows give the same file (default 1)' },
  help: { type: 'boolean', help: 'this text' },
} as const satisfies OptionDescriptions;

const USAGE = `nestjs-llm-router train --data FILE --out FILE [options]

Trains the classifier further on your own outcomes and writes a weights file.

${describeOptions(OPTIONS)}

Exit code: 0; 1 where the weights cannot be written; 2 for a command line or a file that cannot be used.
`;

/** What was learned could not be kept, or a fault of ours. */
const FAILED = 1;

/** A file that the command line names cannot be read. */
class UnreadableFile extends Error {}

interface TrainArguments {
  readonly data: string;
  readonly out: string;
  readonly base: string | undefined;
  readonly seed: number | undefined;
}

function readArguments(argv: readonly string[]): TrainArguments | undefined {
  const options = parseOptions(argv, OPTIONS);
  if (options.has('help')) return undefined;
  const data = options.required('data');
  const out = options.required('out');
  const text = options.text('seed');
  const seed = text === undefined ? undefined : Number(text);
  if (seed !== undefined && (!Number.isInteger(seed) || seed < 0 || seed > 0xffff_ffff)) {
    throw new UsageError('--seed must be a whole number from 0 to 4294967295.');
  }
  return { data, out, base: options.text('base'), seed };
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown';
}

/** What stands there is whole at any time: the old file or the new one. */
function writeWhole(path: string, bytes: Uint8Array): void {
  const part = `${path}.${process.pid}.part`;
  try {
    writeFileSync(part, bytes);
    renameSync(part, path);
  } catch (error) {
    rmSync(part, { force: true });
    throw new Error(`Cannot write ${path} (${codeOf(error)}).`, { cause: error });
  }
}

function readBase(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new UnreadableFile(`Cannot read ${path} (${codeOf(error)}).`, { cause: error });
  }
}

const figure = (value: number | undefined): string => value?.toFixed(3) ?? 'none';

function printReport(report: TrainingReport, path: string): string {
  return `${[
    `rows              ${report.rows} (${report.distinctPrompts} distinct prompts, by ${report.kind})`,
    `mean ${report.kind.padEnd(5)}        ${report.meanGain.toFixed(3)}`,
    `APGR before       ${figure(report.baseApgr)}   (0.5: a random order)`,
    `APGR held out     ${figure(report.heldOutApgr)}`,
    report.note,
    `Written to ${path}`,
  ].join('\n')}\n`;
}

/**
 * `train`: from a file of outcomes to a weights file.
 *
 * @returns the exit code: 0 done; 1 the weights could not be written; 2 for a command line or a file that cannot be used.
 */
export function trainCommand(argv: readonly string[], { stdout, stderr }: CommandOutput): Promise<number> {
  return Promise.resolve(run(argv, stdout, stderr));
}

function run(
  argv: readonly string[],
  stdout: CommandOutput['stdout'],
  stderr: CommandOutput['stderr'],
): number {
  let files: Partial<TrainArguments> = {};
  try {
    const wanted = readArguments(argv);
    files = wanted ?? {};
    if (wanted === undefined) {
      stdout.write(USAGE);
      return EXIT.ok;
    }
    const { weights, report } = trainClassifier({
      file: wanted.data,
      ...(wanted.base === undefined ? {} : { base: readBase(wanted.base) }),
      ...(wanted.seed === undefined ? {} : { seed: wanted.seed }),
    });
    writeWhole(wanted.out, weights);
    stdout.write(printReport(report, wanted.out));
    return EXIT.ok;
  } catch (error) {
    if (error instanceof UsageError) {
      stderr.write(`${error.message}\n`);
      return EXIT.badInput;
    }
    const file = TrainingDataError.isInstance(error) ? files.data : files.base;
    if (TrainingDataError.isInstance(error) || WeightsFileError.isInstance(error)) {
      stderr.write(`${file === undefined ? '' : `${file}: `}${error.message}\n`);
      return EXIT.badInput;
    }
    if (error instanceof UnreadableFile) {
      stderr.write(`${error.message}\n`);
      return EXIT.badInput;
    }
    // What has a message for the user is told by it; anything else is a fault of ours, and keeps its stack.
    const isTold = (error as Error).cause !== undefined;
    stderr.write(`${isTold ? (error as Error).message : String((error as Error).stack ?? error)}\n`);
    return FAILED;
  }
}
