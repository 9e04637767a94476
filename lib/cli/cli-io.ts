/** What a command says and where it looks; a test gives its own. */
export interface CliIo {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
  readonly environment: NodeJS.ProcessEnv;
}

/** How a command ends. */
export const EXIT = {
  ok: 0,
  /** A limit was broken: the answer is no. */
  limitBroken: 1,
  /** The command line, or a file it names, cannot be used. */
  badInput: 2,
} as const;
