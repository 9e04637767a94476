import type { RequestFeatures } from '../classification/index.js';
import { affordableOutputTokens, MIN_AFFORDABLE_OUTPUT_TOKENS } from '../cost/index.js';
import type { PolicyDeployment, PolicyRule, PolicySnapshot, PolicySurface } from '../planning/index.js';

export interface AttemptToCheck {
  readonly policy: PolicySnapshot;
  readonly surface: PolicySurface;
  readonly rule: PolicyRule | undefined;
  readonly features: RequestFeatures;
  readonly deployment: PolicyDeployment;
  /** The limit on the answer that is sent along. */
  readonly maxOutputTokens: number | undefined;
  /** Dollars that earlier attempts of the request have cost. */
  readonly spentUsd: number;
}

/**
 * The hard limits that a call breaks. Written apart from the filters that planning goes by, and after the policy alone: a
 * filter that is left out, or an order that slips one past them, shows here.
 */
export function findBrokenLimits(attempt: AttemptToCheck): string[] {
  const { policy, surface, rule, features, deployment, maxOutputTokens, spentUsd } = attempt;
  const { model, price } = deployment;
  const broken: string[] = [];
  const hold = (name: string, isHeld: boolean): void => {
    if (!isHeld) broken.push(name);
  };
  const known = policy.models.get(model.name)?.deployments;
  hold('configured', known?.includes(deployment) === true);
  if (surface.pin !== undefined) hold('pin', model.name === surface.pin.name);
  if (surface.qualityFloor !== undefined) {
    const quality = rule?.task === undefined ? model.quality : model.qualityByTask[rule.task];
    hold('quality_floor', quality !== undefined && quality >= surface.qualityFloor);
  }
  if (surface.safetyFloor !== undefined) {
    hold('safety_floor', model.safety !== undefined && model.safety >= surface.safetyFloor);
  }
  if (surface.regions !== undefined) {
    const { region = '' } = deployment;
    hold(
      'region',
      surface.regions.some((name) => `${region}-`.startsWith(`${name}-`)),
    );
  }
  if (surface.retentionDays !== undefined) {
    hold('retention', (deployment.retentionDays ?? Infinity) <= surface.retentionDays);
  }
  if (rule?.maxCostPer1k !== undefined) {
    // Three of input to one of output, per million; what rounding of decimals leaves is no breach.
    const mixed = price === undefined ? Infinity : (3 * price.inputPer1M + price.outputPer1M) / 4 / 1_000;
    hold('rule_price', mixed <= rule.maxCostPer1k * (1 + 1e-9));
  }
  if (deployment.contextWindow !== undefined) {
    hold('context_window', features.inputTokens <= deployment.contextWindow);
  }
  if (model.capabilities !== undefined) {
    const { capabilities } = model;
    hold(
      'capability',
      features.capabilities.every((one) => capabilities.has(one)),
    );
  }
  if (surface.maxCostPerRequest !== undefined) {
    const left = surface.maxCostPerRequest - spentUsd;
    const tokens = price === undefined ? 0 : affordableOutputTokens(left, price, features);
    const utmost = Math.min(deployment.maxOutputTokens ?? Infinity, deployment.contextWindow ?? Infinity);
    const most = maxOutputTokens ?? utmost;
    hold('request_cost', tokens >= MIN_AFFORDABLE_OUTPUT_TOKENS && most <= tokens);
  }
  return broken;
}
