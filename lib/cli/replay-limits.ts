import type { ReplayReport } from '../replay/index.js';
import type { ParsedOptions } from './parse-options.js';
import { UsageError } from './usage-error.js';

/** What a replay must keep, for the exit code. Shares from 0 to 1. */
export interface ReplayLimits {
  /** Over the cost of the other configuration. */
  readonly maxCostIncrease: number | undefined;
  readonly maxCostUsd: number | undefined;
  /** Of every surface that promises an SLO; with a name of that one. */
  readonly minSlo: readonly { readonly surface: string | undefined; readonly share: number }[];
  /** Under the attainment of the other configuration. */
  readonly maxSloDecrease: number | undefined;
  readonly minSuccess: number | undefined;
  readonly maxFallback: number | undefined;
  readonly maxShed: number | undefined;
}

/** `5%` and `5` are 0.05. */
export function parsePercent(text: string, name: string, { isBounded = true } = {}): number {
  const found = /^(\d{1,6}(?:\.\d{1,6})?)\s?%?$/.exec(text);
  const percent = Number(found?.[1] ?? Number.NaN);
  if (Number.isNaN(percent) || (isBounded && percent > 100)) {
    const range = isBounded ? ' from 0 to 100' : '';
    throw new UsageError(`--${name} must be a percentage${range} such as 5% or 99.5, not "${text}".`);
  }
  return percent / 100;
}

/** @throws {@link UsageError}. */
export function readLimits(options: ParsedOptions): ReplayLimits {
  const percent = (name: string, isBounded = true): number | undefined => {
    const text = options.text(name);
    return text === undefined ? undefined : parsePercent(text, name, { isBounded });
  };
  const isCompared = options.has('against');
  for (const name of ['max-cost-increase', 'max-slo-decrease']) {
    if (options.has(name) && !isCompared) throw new UsageError(`--${name} needs --against to compare with.`);
  }
  const cost = options.text('max-cost');
  if (cost !== undefined && !/^\d{1,12}(?:\.\d{1,9})?$/.test(cost)) {
    throw new UsageError(`--max-cost must be an amount of US dollars such as 12.50, not "${cost}".`);
  }
  return {
    maxCostIncrease: percent('max-cost-increase', false),
    maxCostUsd: cost === undefined ? undefined : Number(cost),
    minSlo: options.all('min-slo').map((text) => {
      const at = text.lastIndexOf('=');
      return {
        surface: at < 0 ? undefined : text.slice(0, at),
        share: parsePercent(text.slice(at + 1), 'min-slo'),
      };
    }),
    maxSloDecrease: percent('max-slo-decrease'),
    minSuccess: percent('min-success'),
    maxFallback: percent('max-fallback'),
    maxShed: percent('max-shed'),
  };
}

const shown = (share: number): string => `${(share * 100).toFixed(2)} %`;
const dollars = (usd: number): string => `$${usd.toFixed(4)}`;

/** Every limit that is broken, in a sentence each. A floor violation always is one. */
export function findBroken(
  limits: ReplayLimits,
  report: ReplayReport,
  against: ReplayReport | undefined,
): string[] {
  const broken: string[] = [];
  if (report.floorViolations > 0) {
    broken.push(
      `${report.floorViolations} calls broke a hard limit (${Object.keys(report.violations).join(', ')})`,
    );
  }
  const atMost = (what: string, value: number, limit: number | undefined): void => {
    if (limit !== undefined && value > limit) broken.push(`${what} ${shown(value)}, at most ${shown(limit)}`);
  };
  const { maxCostIncrease, maxCostUsd, maxSloDecrease, minSuccess } = limits;
  if (against !== undefined && maxCostIncrease !== undefined) {
    const most = against.costUsd * (1 + maxCostIncrease);
    if (report.costUsd > most) {
      broken.push(
        `costs ${dollars(report.costUsd)}, at most ${dollars(most)} (${dollars(against.costUsd)} and ${shown(maxCostIncrease)})`,
      );
    }
  }
  if (maxCostUsd !== undefined && report.costUsd > maxCostUsd) {
    broken.push(`costs ${dollars(report.costUsd)}, at most ${dollars(maxCostUsd)}`);
  }
  for (const { surface, share } of limits.minSlo) {
    for (const [name, { sloAttainment }] of Object.entries(report.surfaces)) {
      if (sloAttainment === undefined || (surface !== undefined && surface !== name)) continue;
      if (sloAttainment < share) {
        broken.push(`surface ${name} keeps its SLO for ${shown(sloAttainment)}, at least ${shown(share)}`);
      }
    }
  }
  if (against?.sloAttainment !== undefined && maxSloDecrease !== undefined) {
    const least = against.sloAttainment - maxSloDecrease;
    const attained = report.sloAttainment ?? 0;
    if (attained < least) {
      broken.push(
        `the SLO is kept for ${shown(attained)}, at least ${shown(least)} by the other configuration`,
      );
    }
  }
  if (minSuccess !== undefined && report.successRate < minSuccess) {
    broken.push(`success ${shown(report.successRate)}, at least ${shown(minSuccess)}`);
  }
  atMost('fallback rate', report.fallbackRate, limits.maxFallback);
  atMost('shed rate', report.shedRate, limits.maxShed);
  return broken;
}

/** @throws {@link UsageError} where nothing that was replayed has an SLO to hold a limit against: it would be none. */
export function checkSurfaces(
  limits: ReplayLimits,
  report: ReplayReport,
  against: ReplayReport | undefined,
): void {
  const { minSlo, maxSloDecrease } = limits;
  if (maxSloDecrease !== undefined && against?.sloAttainment === undefined) {
    throw new UsageError('--max-slo-decrease: under --against nothing with an SLO was replayed.');
  }
  const hasJudged = Object.values(report.surfaces).some(({ sloAttainment }) => sloAttainment !== undefined);
  for (const { surface } of minSlo) {
    if (surface === undefined) {
      if (hasJudged) continue;
      throw new UsageError('--min-slo: nothing with an SLO was replayed.');
    }
    if (report.surfaces[surface]?.sloAttainment !== undefined) continue;
    const known = Object.keys(report.surfaces).join(', ');
    throw new UsageError(
      `--min-slo names "${surface}", of which nothing with an SLO was replayed; there were ${known}.`,
    );
  }
}
