import { ConfigurationError } from '../errors/configuration-error.js';
import type { CompiledOptions } from '../planning/index.js';
import {
  assumedDeployments,
  buildWorld,
  loadScript,
  readTrace,
  replay,
  type ReplayReport,
  type ReplayScriptOptions,
  TraceError,
  type TraceRequest,
} from '../replay/index.js';
import { type CliIo, EXIT } from './cli-io.js';
import { formatReplay } from './format-replay.js';
import { asUsageError, loadOffline } from './load-offline.js';
import {
  describeOptions,
  type OptionDescriptions,
  type ParsedOptions,
  parseOptions,
} from './parse-options.js';
import { checkSurfaces, findBroken, readLimits } from './replay-limits.js';
import { UsageError } from './usage-error.js';

const MAX_NAMES = 10;

const OPTIONS = {
  config: { type: 'string', value: 'FILE', help: 'the configuration to replay (YAML or JSON)' },
  against: { type: 'string', value: 'FILE', help: 'another one, to compare with' },
  trace: {
    type: 'string',
    value: 'FILE',
    help: 'the recorded day: JSONL of `requestLog`, or a CSV of times, prompt and answer lengths; .gz too',
  },
  script: {
    type: 'string',
    value: 'FILE',
    help: 'how the providers behave (YAML or JSON), and what happens to them',
  },
  seed: { type: 'string', value: 'NUMBER', help: 'the same seed gives the same report (default 1)' },
  model: {
    type: 'string',
    value: 'NAME',
    help: "what all requests ask for: `auto`, a rule's name or a model's (default: as recorded, else auto)",
  },
  class: {
    type: 'string',
    value: 'NAME',
    help: 'the class of requests whose trace names none (default simple_queries)',
  },
  surface: { type: 'string', value: 'NAME', help: 'the surface of requests whose trace names none' },
  json: { type: 'boolean', help: 'the report as JSON' },
  'max-cost-increase': { type: 'string', value: 'PERCENT', help: 'over --against' },
  'max-cost': { type: 'string', value: 'DOLLARS', help: 'of the whole day' },
  'min-slo': {
    type: 'string',
    multiple: true,
    value: 'PERCENT',
    help: 'of every surface with an SLO, or SURFACE=PERCENT of one',
  },
  'max-slo-decrease': { type: 'string', value: 'POINTS', help: 'under --against, in percentage points' },
  'min-success': { type: 'string', value: 'PERCENT', help: 'of all requests' },
  'max-fallback': {
    type: 'string',
    value: 'PERCENT',
    help: 'of the answers: not from the first call, or not from a primary',
  },
  'max-shed': { type: 'string', value: 'PERCENT', help: 'of all requests: refused for want of room' },
  help: { type: 'boolean', help: 'this text' },
} as const satisfies OptionDescriptions;

export const REPLAY_HELP = `nestjs-llm-router replay --config FILE --trace FILE [options]

Sends a recorded day through a configuration on a simulated clock: the planning, the breakers and the limits of live
traffic over simulated providers. Nothing is called, and no key is needed.

${describeOptions(OPTIONS)}

Exit code: 0; 1 where a limit (--max-…, --min-…) or a floor is broken; 2 for a command line or a file that cannot be used.
`;

/** @returns The exit code. */
export async function replayCommand(argv: readonly string[], io: CliIo): Promise<number> {
  const options = parseOptions(argv, OPTIONS);
  if (options.has('help')) {
    io.stdout.write(REPLAY_HELP);
    return EXIT.ok;
  }
  const configFile = options.required('config');
  const traceFile = options.required('trace');
  const seed = readSeed(options.text('seed') ?? '1');
  const limits = readLimits(options);
  const compiled = await loadOffline(configFile, io.environment);
  const againstFile = options.text('against');
  const against = againstFile === undefined ? undefined : await loadOffline(againstFile, io.environment);
  const scriptFile = options.text('script');
  const script = scriptFile === undefined ? undefined : await loadScriptFile(scriptFile);
  const trace = await loadTrace(traceFile);

  const both = [compiled, ...(against === undefined ? [] : [against])];
  checkNames(options, compiled);
  const world = worldOf(both, script, trace.behaviours, scriptFile ?? '');
  const surface = options.text('surface');
  const requests =
    surface === undefined
      ? trace.requests
      : trace.requests.map((request) => ({ ...request, surface: request.surface ?? surface }));
  const run = (one: CompiledOptions): ReplayReport =>
    replay({
      compiled: one,
      requests,
      world,
      seed,
      requestedModel: options.text('model'),
      requestClass: options.text('class'),
    });
  const report = run(compiled);
  const other = against === undefined ? undefined : run(against);
  checkSurfaces(limits, report, other);
  const broken = findBroken(limits, report, other);

  const reports = [report, ...(other === undefined ? [] : [other])];
  const called = new Set(reports.flatMap((one) => Object.keys(one.deployments)));
  const notes = [...trace.notes, ...notesOn(compiled, requests, assumedDeployments(world, called))];
  if (options.has('json')) {
    io.stdout.write(`${JSON.stringify({ report, against: other ?? null, notes, broken }, null, 2)}\n`);
  } else {
    io.stdout.write(`${formatReplay(report, other)}\n`);
    for (const note of notes) io.stdout.write(`note: ${note}\n`);
  }
  for (const sentence of broken) io.stderr.write(`limit broken: ${sentence}\n`);
  return broken.length > 0 ? EXIT.limitBroken : EXIT.ok;
}

/** What a reader of the report would otherwise wonder at. */
function notesOn(
  { policy }: CompiledOptions,
  requests: readonly TraceRequest[],
  assumed: readonly string[],
): string[] {
  const surfaces = new Set(requests.flatMap(({ surface }) => surface ?? []));
  const noSurfaces = [...surfaces].filter((name) => !policy.surfaces.has(name));
  const classes = new Set(requests.flatMap(({ requestClass }) => requestClass ?? []));
  const noClasses = [...classes].filter((name) => !policy.rulesForClass.has(name));
  const wishes = new Set(requests.flatMap(({ requestedModel }) => requestedModel ?? []));
  const noWishes = [...wishes].filter((name) => !policy.rules.has(name) && !policy.modelNames.has(name));
  const notes: [boolean, string][] = [
    [
      assumed.length > 0,
      `nothing is known of ${assumed.join(', ')}: a first token after about 500 ms and 80 tokens a second are assumed`,
    ],
    [
      policy.observedBaseline !== undefined,
      '`mode: observe` is replayed as if it routed: what it would do is the question',
    ],
    [noSurfaces.length > 0, `the configuration has no surface ${shorten(noSurfaces)}: replayed without one`],
    [
      noWishes.length > 0,
      `the configuration has no rule or model ${shorten(noWishes)}: replayed as if nothing was asked for by name`,
    ],
    [noClasses.length > 0, `no rule serves the class ${shorten(noClasses)}: such requests are rejected`],
  ];
  return notes.flatMap(([isTrue, note]) => (isTrue ? [note] : []));
}

/** Names come out of a file, and may be many. */
function shorten(names: readonly string[]): string {
  const shown = names.slice(0, MAX_NAMES).join(', ');
  return names.length > MAX_NAMES ? `${shown} and ${names.length - MAX_NAMES} more` : shown;
}

function readSeed(text: string): number {
  if (!/^\d{1,9}$/.test(text))
    throw new UsageError(`--seed must be a whole number of at most nine digits, not "${text}".`);
  return Number(text);
}

function checkNames(options: ParsedOptions, { policy }: CompiledOptions): void {
  const surface = options.text('surface');
  if (surface !== undefined && !policy.surfaces.has(surface)) {
    const known = [...policy.surfaces.keys()].join(', ');
    throw new UsageError(
      `--surface: the configuration has no surface "${surface}"; it has ${known || 'none'}.`,
    );
  }
  const requestClass = options.text('class');
  if (requestClass !== undefined && !policy.rulesForClass.has(requestClass)) {
    const known = [...policy.rulesForClass.keys()].join(', ');
    throw new UsageError(`--class: no rule serves the class "${requestClass}"; there are ${known}.`);
  }
  const model = options.text('model');
  if (model !== undefined && model !== 'auto' && !policy.rules.has(model) && !policy.modelNames.has(model)) {
    throw new UsageError(`--model: "${model}" is neither a rule nor a model of the configuration.`);
  }
}

function worldOf(
  compiled: readonly CompiledOptions[],
  script: ReplayScriptOptions | undefined,
  recorded: Parameters<typeof buildWorld>[0]['recorded'],
  scriptFile: string,
): ReturnType<typeof buildWorld> {
  try {
    return buildWorld({ script, recorded, policies: compiled.map(({ policy }) => policy) });
  } catch (error) {
    throw asUsageError(error, scriptFile);
  }
}

async function loadScriptFile(file: string): Promise<ReplayScriptOptions> {
  try {
    return await loadScript(file);
  } catch (error) {
    throw error instanceof ConfigurationError ? asUsageError(error, file) : error;
  }
}

async function loadTrace(file: string): ReturnType<typeof readTrace> {
  try {
    return await readTrace(file);
  } catch (error) {
    throw error instanceof TraceError ? new UsageError(error.message) : error;
  }
}
