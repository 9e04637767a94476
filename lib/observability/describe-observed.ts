import type { RequestRecord } from '../telemetry/index.js';

/** A line on what routing would have done with a request, for the log; undefined: it was routed. */
export function describeObserved({
  decisionId,
  surface,
  requestClass,
  servedBy,
  observed,
}: RequestRecord): string | undefined {
  if (observed === undefined) return undefined;
  const who = `${decisionId} (surface ${surface}, class ${requestClass})`;
  const did = `${servedBy?.model ?? 'nobody'} answered for $${observed.answerCostUsd.toPrecision(3)}`;
  const { choice, rule, costUsd: wouldUsd } = observed;
  if (choice === undefined) return `Observed ${who}: ${did}; routing would have found no eligible model`;
  const price = wouldUsd === undefined ? 'at an unknown price' : `for $${wouldUsd.toPrecision(3)}`;
  const under = rule === undefined ? '' : ` under the rule ${rule}`;
  return `Observed ${who}: ${did}; routing would have asked ${choice.deployment}${under}, ${price}`;
}
