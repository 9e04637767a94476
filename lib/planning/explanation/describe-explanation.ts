import type { Explanation } from './explanation.js';

const TERMS = ['latency', 'risk', 'errors', 'load', 'cost', 'quality', 'alert'] as const;

/** An explanation for people: how the rule was arrived at, whom it would call in which order, and whom not. */
export function describeExplanation({
  classification,
  features,
  surface,
  workload,
  notes,
  plan,
  rejected,
  policyHash,
}: Omit<Explanation, 'text'>): string {
  const { by, score, threshold } = classification;
  const lines = [
    `surface ${surface}, ${workload}, class ${classification.class}${by === undefined ? '' : ` by ${by}`}` +
      ` (score ${score}${threshold === undefined ? '' : `, threshold ${threshold}`})`,
    `prompt about ${features.inputTokens} tokens, ${features.streamed ? 'streamed' : 'whole'}` +
      (features.capabilities.length === 0 ? '' : `, uses ${features.capabilities.join(', ')}`),
    ...(classification.notes ?? []),
    // The first line has it.
    ...notes.filter((note) => !note.startsWith(`class ${classification.class} (score `)),
    `ranked by ${plan.ranking.preset}; at most ${plan.maxAttempts} calls within ${plan.deadlineMs} ms`,
    ...plan.attempts.map(
      ({ deployment, tier, terms, deferred }, index) =>
        `${index + 1}. ${deployment} (${tier}): about ${terms.expectedLatencyMs} ms and $${terms.expectedCostUsd.toPrecision(2)}, score ${terms.score}${sumOf(terms)}${deferred === null ? '' : `; behind, because ${deferred}`}`,
    ),
    ...(plan.attempts.length === 0 ? ['no model may serve it'] : []),
    ...rejected.map(
      ({ deployment, tier, rule, reason, detail }) =>
        `not ${deployment} (${tier}${rule === null ? '' : ` of ${rule}`}): ${reason}, ${detail}`,
    ),
    `policy ${policyHash}`,
  ];
  return lines.join('\n');
}

/** The terms that count, as a sum. */
function sumOf(terms: Readonly<Record<(typeof TERMS)[number], number>>): string {
  const parts = TERMS.filter((name) => terms[name] !== 0).map((name) => `${name} ${terms[name]}`);
  return parts.length === 0 ? '' : ` = ${parts.join(' + ')}`;
}
