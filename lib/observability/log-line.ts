import { inspect, type InspectOptionsStylized } from 'node:util';

/** What of a line a machine reads: names, kinds and figures. */
export type LogFields = Readonly<
  Record<string, string | number | boolean | null | undefined | readonly string[]>
>;

export type LogLevelName = 'debug' | 'log' | 'warn' | 'error';

/** Colours of `util.inspect` that come nearest to those that Nest's logger has for a level. */
const STYLES = { debug: 'date', log: 'string', warn: 'number', error: 'regexp' } as const;

/**
 * A line of the log that people read as a sentence and machines as fields. Nest's `ConsoleLogger` prints the sentence;
 * with `json: true`, and in pino, winston and their like, the fields are there beside it (`msg`). An object and not a text
 * with parameters: those pino would take for values to put into the text, and drop.
 */
export class LogLine {
  readonly msg: string;
  readonly #level: LogLevelName;

  /** @param fields - Of records alone, never of an error or a request: whatever is here is shown. */
  constructor(level: LogLevelName, msg: string, fields: LogFields = {}) {
    this.#level = level;
    this.msg = msg;
    // What has no value JSON leaves out.
    Object.assign(this, fields);
  }

  /** As winston has it. Not enumerable: it is there once. */
  get message(): string {
    return this.msg;
  }

  toString(): string {
    return this.msg;
  }

  [inspect.custom](_depth: number, options: InspectOptionsStylized): string {
    return options.stylize(this.msg, STYLES[this.#level]);
  }
}
