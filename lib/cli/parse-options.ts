import { parseArgs } from 'node:util';
import { didYouMean } from '../config/index.js';
import { UsageError } from './usage-error.js';

export interface OptionDescription {
  readonly type: 'string' | 'boolean';
  /** May be given several times. */
  readonly multiple?: boolean;
  /** What stands for the value in the help: `FILE`. */
  readonly value?: string;
  readonly help: string;
}

export type OptionDescriptions = Readonly<Record<string, OptionDescription>>;

/** What was given, by the option's name: all of its values, `true` for a flag. */
export class ParsedOptions {
  constructor(private readonly values: ReadonlyMap<string, readonly (string | true)[]>) {}

  has(name: string): boolean {
    return this.values.has(name);
  }

  all(name: string): string[] {
    return (this.values.get(name) ?? []).filter((value) => value !== true);
  }

  text(name: string): string | undefined {
    return this.all(name).at(-1);
  }

  /** @throws {@link UsageError} where it was not given. */
  required(name: string): string {
    const value = this.text(name);
    if (value === undefined) throw new UsageError(`--${name} is required.`);
    return value;
  }
}

/**
 * Reads a command line of long options (`--seed 1`, `--seed=1`, `--json`).
 *
 * @throws {@link UsageError} for an option that is not described, one without its value, and one given twice.
 */
export function parseOptions(argv: readonly string[], descriptions: OptionDescriptions): ParsedOptions {
  // Not strict: its own messages name no other option that may have been meant.
  const { tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(Object.entries(descriptions).map(([name, { type }]) => [name, { type }])),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const values = new Map<string, (string | true)[]>();
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional') {
      throw new UsageError(`"${token.value}" is no option: options begin with --.`);
    }
    const { name, rawName, value } = token;
    const description = Object.hasOwn(descriptions, name) ? descriptions[name] : undefined;
    if (description === undefined) {
      throw new UsageError(`There is no option ${rawName}.${didYouMean(name, Object.keys(descriptions))}`);
    }
    if (description.type === 'boolean') {
      if (value !== undefined) throw new UsageError(`${rawName} takes no value.`);
    } else if (value === undefined || value === '') {
      throw new UsageError(`${rawName} needs a value: ${rawName} ${description.value ?? 'VALUE'}`);
    } else if (value.startsWith('--')) {
      throw new UsageError(`${rawName} needs a value; "${value}" follows it.`);
    }
    const before = values.get(name);
    if (before !== undefined && description.multiple !== true) {
      throw new UsageError(`${rawName} is given twice.`);
    }
    values.set(name, [...(before ?? []), value ?? true]);
  }
  return new ParsedOptions(values);
}

/** The lines of the help, one an option. */
export function describeOptions(descriptions: OptionDescriptions): string {
  const rows = Object.entries(descriptions).map(([name, { value, help }]) => ({
    left: `  --${name}${value === undefined ? '' : ` ${value}`}`,
    help,
  }));
  const width = Math.max(...rows.map(({ left }) => left.length)) + 2;
  return rows
    .map(({ left, help }) => `${left.padEnd(width)}${help.replaceAll('\n', `\n${' '.repeat(width)}`)}`)
    .join('\n');
}
