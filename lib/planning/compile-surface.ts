import type { SurfaceOptions } from '../config/index.js';
import { compileCalibration } from './compile-classification.js';
import { HEALTH_PROBE } from './embeddings-class.js';
import type { NameResolver } from './name-resolver.js';
import { ownTimeouts } from './own-timeouts.js';
import { NO_SURFACE, type PolicySurface } from './policy-snapshot.js';
import type { ProofNotes } from './proof-notes.js';
import { rankingChoice } from './ranking-choice.js';
import { NO_CHOICE } from './ranking-weights.js';

const DEFAULT_PRIORITY = 50;

/** A surface that asks for nothing. */
export function emptySurface(name: string): PolicySurface {
  return {
    name,
    qualityFloor: undefined,
    safetyFloor: undefined,
    workload: 'interactive',
    latencySloMs: undefined,
    maxCostPerRequest: undefined,
    pin: undefined,
    regions: undefined,
    retentionDays: undefined,
    ranking: NO_CHOICE,
    maxOutputTokens: undefined,
    timeouts: {},
    priority: DEFAULT_PRIORITY,
    onStreamFailure: 'error',
    onContentFilter: 'reject',
    mayHedge: true,
  };
}

/** Surfaces of the records that no configuration has: figures of two kinds would be added up. */
const LABELS: ReadonlyMap<string, string> = new Map([
  [NO_SURFACE, 'requests without a surface'],
  [HEALTH_PROBE, "calls of the providers' health"],
]);

/** One surface with its floors as numbers and its pin resolved. */
export function compileSurface(
  name: string,
  options: SurfaceOptions,
  names: NameResolver,
  notes: ProofNotes,
): PolicySurface {
  const path = `surfaces.${name}`;
  const taken = LABELS.get(name);
  if (taken !== undefined)
    notes.error(path, `"${name}" is the label of ${taken}; give the surface another name`);
  const pin = options.pin ? names.resolve(options.pin, `${path}.pin`, notes) : undefined;
  if (options.pin && pin === undefined && names.isModel(options.pin)) {
    notes.error(`${path}.pin`, `no provider serves "${options.pin}"; ${names.howToServe(options.pin)}`);
  }
  return {
    name,
    qualityFloor: names.floor(options.qualityFloor, 'quality', `${path}.qualityFloor`, notes),
    safetyFloor: names.floor(options.safetyFloor, 'safety', `${path}.safetyFloor`, notes),
    workload: options.workload ?? 'interactive',
    latencySloMs: options.latencySloMs ?? undefined,
    maxCostPerRequest: options.maxCostPerRequest ?? undefined,
    pin,
    regions: options.region === undefined ? undefined : [options.region].flat(),
    retentionDays: options.retentionDays ?? undefined,
    ranking: rankingChoice(options.ranking),
    maxOutputTokens: options.maxOutputTokens ?? undefined,
    timeouts: ownTimeouts(options.timeouts),
    priority: options.priority ?? DEFAULT_PRIORITY,
    onStreamFailure: options.onStreamFailure ?? 'error',
    onContentFilter: options.onContentFilter ?? 'reject',
    mayHedge: options.hedge ?? true,
    provenance: options.provenance ?? false,
    recordPrompts: options.recordPrompts ?? false,
    calibration: compileCalibration(options.classification, `${path}.classification`, notes),
  };
}
