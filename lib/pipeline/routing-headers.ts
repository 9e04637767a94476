import type { RoutingInfo } from './routing-info.js';

/** Plain digits: `4.2e-7` is a number few readers of headers expect. */
export function formatUsd(usd: number): string {
  return usd.toFixed(9).replace(/\.?0+$/, '') || '0';
}

/** Where an answer came from, as the `x-llm-*` headers. A header may not hold what is not Latin-1; names are users' own. */
export function routingHeaders(routing: RoutingInfo): Record<string, string> {
  const headers: Record<string, string> = {
    'x-llm-model': routing.model,
    'x-llm-provider': routing.provider,
    'x-llm-tier': routing.tier,
    'x-llm-class': routing.requestClass,
    'x-llm-attempts': String(routing.attempts),
    'x-llm-decision-id': routing.decisionId,
    ...(routing.droppedParameters.length === 0
      ? {}
      : { 'x-llm-dropped-parameters': routing.droppedParameters.join(', ') }),
    ...(routing.costUsd === undefined ? {} : { 'x-llm-cost-usd': formatUsd(routing.costUsd) }),
  };
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, value.replace(/[^\x20-\x7e]/g, '?')]),
  );
}

/** The headers of an answer. The decision is also the request's id, as OpenAI's clients read it. */
export function answerHeaders(routing: RoutingInfo): Record<string, string> {
  return { ...routingHeaders(routing), 'x-request-id': routing.decisionId };
}
