import { didYouMean, loadConfigurationFile } from '../config/index.js';
import { ReadingContext, readSection } from '../config/read-section.js';
import { ConfigurationError, type ConfigurationIssue } from '../errors/configuration-error.js';
import type { PolicyDeployment, PolicySnapshot } from '../planning/index.js';
import {
  ASSUMED_BEHAVIOUR,
  type DeploymentBehaviour,
  type DeploymentChange,
  type DeploymentEvent,
  type SimulatedWorld,
} from './deployment-behaviour.js';
import { betweenQuantiles, type Distribution, logNormal } from './distribution.js';
import {
  type FirstTokenOptions,
  ReplayScriptOptions,
  type ScriptedDeploymentOptions,
  type ScriptedEventOptions,
} from './replay-script.options.js';

const DEFAULT_SIGMA = 0.35;
const DEFAULT_SPEED_SIGMA = 0.2;
const PERCENTILES = [
  { key: 'p10Ms', share: 0.1 },
  { key: 'p50Ms', share: 0.5 },
  { key: 'p90Ms', share: 0.9 },
  { key: 'p95Ms', share: 0.95 },
  { key: 'p99Ms', share: 0.99 },
] as const;

/** @throws {@link ConfigurationError} with every problem, each by its path in the file. */
export async function loadScript(file: string): Promise<ReplayScriptOptions> {
  return readScript(await loadConfigurationFile(file));
}

/** The same of what a file holds. */
export function readScript(raw: unknown): ReplayScriptOptions {
  const context = new ReadingContext({});
  const script = readSection(ReplayScriptOptions, raw, '', context);
  const issues = [...context.issues];
  if (!context.hasBadValues) {
    for (const [name, { timeToFirstToken }] of Object.entries(script.deployments ?? {})) {
      const path = `deployments.${name}.timeToFirstToken`;
      if (timeToFirstToken !== undefined) issues.push(...faultsOf(timeToFirstToken, path));
    }
    for (const [index, event] of (script.events ?? []).entries()) {
      issues.push(...faultsOfEvent(event, `events[${index}]`));
    }
  }
  if (issues.length > 0) throw new ConfigurationError(issues);
  return script;
}

function faultsOf(options: FirstTokenOptions, path: string): ConfigurationIssue[] {
  const given = PERCENTILES.flatMap(({ key }) => options[key] ?? []);
  if ((options.medianMs === undefined) === (given.length === 0)) {
    return [
      { path, message: 'give either `medianMs` (and `sigma`), or percentiles such as `p50Ms` and `p95Ms`' },
    ];
  }
  const isRising = given.every((value, index) => index === 0 || value >= (given[index - 1] ?? 0));
  return isRising ? [] : [{ path, message: 'a higher percentile is lower than the one before it' }];
}

const NEEDED = {
  brown_out: 'factor',
  error_burst: 'errorRate',
  rate_limit: 'requestsPerMinute',
  price_change: 'price',
  outage: undefined,
} as const satisfies Record<ScriptedEventOptions['kind'], keyof ScriptedEventOptions | undefined>;

function faultsOfEvent(event: ScriptedEventOptions, path: string): ConfigurationIssue[] {
  const needed = NEEDED[event.kind];
  const issues: ConfigurationIssue[] = [];
  if (needed !== undefined && event[needed] === undefined) {
    issues.push({ path: `${path}.${needed}`, message: `is required for a \`${event.kind}\`` });
  }
  if (event.toMs !== undefined && event.toMs <= event.fromMs) {
    issues.push({ path: `${path}.toMs`, message: 'must be after `fromMs`' });
  }
  return issues;
}

export interface WorldInput {
  readonly script: ReplayScriptOptions | undefined;
  /** As recorded, by the deployment's id. */
  readonly recorded: ReadonlyMap<string, DeploymentBehaviour>;
  /** The configurations that are replayed. */
  readonly policies: readonly PolicySnapshot[];
}

/**
 * How the deployments of the replayed configurations behave: as the script says, else as recorded, else as assumed.
 *
 * @throws {@link ConfigurationError} for a name in the script that is no deployment, provider or model of theirs.
 */
export function buildWorld({ script, recorded, policies }: WorldInput): SimulatedWorld {
  const deployments = new Map<string, PolicyDeployment>();
  for (const { models } of policies) {
    for (const model of models.values()) for (const one of model.deployments) deployments.set(one.id, one);
  }
  const behaviours = new Map(recorded);
  const issues: ConfigurationIssue[] = [];
  const named = (name: string, path: string): string[] => {
    const found = [...deployments.values()]
      .filter((one) => one.id === name || one.provider === name || one.model.name === name)
      .map(({ id }) => id);
    if (found.length > 0) return found;
    const known = [...deployments.values()].flatMap((one) => [one.id, one.provider, one.model.name]);
    const message = `there is no deployment, provider or model of this name.${didYouMean(name, known)}`;
    issues.push({ path, message });
    return [];
  };
  for (const [name, options] of Object.entries(script?.deployments ?? {})) {
    for (const id of named(name, `deployments.${name}`)) {
      behaviours.set(id, behaviourOf(options, behaviours.get(id) ?? ASSUMED_BEHAVIOUR));
    }
  }
  const events = (script?.events ?? []).flatMap((event, index): DeploymentEvent[] => {
    const { deployment, fromMs, toMs = Number.POSITIVE_INFINITY } = event;
    const ids = deployment === undefined ? [undefined] : named(deployment, `events[${index}].deployment`);
    return ids.map((id) => ({ deployment: id, fromMs, toMs, change: changeOf(event) }));
  });
  if (issues.length > 0) throw new ConfigurationError(issues);
  return { behaviours, events };
}

/** Deployments that nothing is known of, neither recorded nor scripted, among those that requests may go to. */
export function assumedDeployments({ behaviours }: SimulatedWorld, called: Iterable<string>): string[] {
  return [...called].filter((id) => !behaviours.has(id));
}

function behaviourOf(options: ScriptedDeploymentOptions, base: DeploymentBehaviour): DeploymentBehaviour {
  const { timeToFirstToken, tokensPerSecond, tokensPerSecondSigma = DEFAULT_SPEED_SIGMA } = options;
  const isPaceTold =
    timeToFirstToken !== undefined || tokensPerSecond !== undefined || options.errorRate !== undefined;
  return {
    timeToFirstTokenMs:
      timeToFirstToken === undefined ? base.timeToFirstTokenMs : distributionOf(timeToFirstToken),
    tokensPerSecond:
      tokensPerSecond === undefined ? base.tokensPerSecond : logNormal(tokensPerSecond, tokensPerSecondSigma),
    capacity: options.capacity ?? base.capacity,
    queueLength: options.queueLength ?? base.queueLength,
    requestsPerMinute: options.requestsPerMinute ?? base.requestsPerMinute,
    errorRate: options.errorRate ?? base.errorRate,
    errorKind: options.errorRate === undefined ? base.errorKind : 'server_error',
    retryAfterMs: options.retryAfterMs ?? base.retryAfterMs,
    // What the script says of its pace holds all day.
    ...(isPaceTold || base.slots === undefined ? {} : { slots: base.slots }),
  };
}

function distributionOf(options: FirstTokenOptions): Distribution {
  if (options.medianMs !== undefined) return logNormal(options.medianMs, options.sigma ?? DEFAULT_SIGMA);
  const quantiles = PERCENTILES.flatMap(({ key, share }) => {
    const value = options[key];
    return value === undefined ? [] : [{ share, value }];
  });
  return betweenQuantiles(quantiles);
}

function changeOf(event: ScriptedEventOptions): DeploymentChange {
  const { kind, factor = 1, errorRate = 0, requestsPerMinute = Number.POSITIVE_INFINITY, price } = event;
  switch (kind) {
    case 'brown_out':
      return { kind, factor };
    case 'error_burst':
      return { kind, errorRate };
    case 'rate_limit':
      return { kind, requestsPerMinute, retryAfterMs: event.retryAfterMs };
    case 'outage':
      return { kind };
    case 'price_change':
      return { kind, price: price ?? { inputPer1M: 0, outputPer1M: 0 } };
  }
}
