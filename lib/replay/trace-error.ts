/** A trace or a script that cannot be replayed: which file, which line, and why. */
export class TraceError extends Error {
  override readonly name = 'TraceError';

  constructor(
    readonly file: string,
    /** From 1; undefined: of the file as a whole. */
    readonly line: number | undefined,
    readonly reason: string,
  ) {
    super(`${file}${line === undefined ? '' : `:${line}`}: ${reason}`);
  }
}
