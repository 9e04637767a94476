import { didYouMean } from '../config/index.js';
import { type CliIo, EXIT } from './cli-io.js';
import { UsageError } from './usage-error.js';

interface Command {
  readonly summary: string;
  /** Loaded when it is asked for: one command does not pay for the others. */
  load(): Promise<(argv: readonly string[], io: CliIo) => Promise<number>>;
}

// A further command has its line here, and its own file beside this one.
const COMMANDS: Readonly<Record<string, Command>> = {
  replay: {
    summary: 'send a recorded day through a configuration, and compare it with another',
    load: async () => (await import('./replay.command.js')).replayCommand,
  },
  train: {
    summary: "train the classifier further on your own requests' outcomes",
    load: async () => (await import('./train.command.js')).trainCommand,
  },
};

function help(): string {
  const width = Math.max(...Object.keys(COMMANDS).map((name) => name.length)) + 2;
  const lines = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(width)}${summary}`);
  return `nestjs-llm-router COMMAND [options]

${lines.join('\n')}

nestjs-llm-router COMMAND --help tells the options of one.
`;
}

/** @returns The exit code. */
export async function runCli(argv: readonly string[], io: CliIo): Promise<number> {
  const [name, ...rest] = argv;
  if (name === undefined) {
    io.stderr.write(help());
    return EXIT.badInput;
  }
  if (name === '--help' || name === '-h' || name === 'help') {
    io.stdout.write(help());
    return EXIT.ok;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    io.stderr.write(`There is no command "${name}".${didYouMean(name, Object.keys(COMMANDS))}\n\n${help()}`);
    return EXIT.badInput;
  }
  try {
    const run = await command.load();
    return await run(rest, io);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    io.stderr.write(`${error.message}\n`);
    return EXIT.badInput;
  }
}
