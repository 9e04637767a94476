import type { RoutedExpectation, RoutedRequest } from './routed-requests.interface.js';
import type { ScriptedCall } from './scripting.interface.js';

/** More would hide what matters. */
const MAX_LISTED = 20;

/** `{ surface: "support", tier: "primary" }` */
export function describeExpectation(expectation: RoutedExpectation): string {
  const parts = Object.entries(expectation).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}: ${JSON.stringify(value)}`],
  );
  return parts.length === 0 ? '{}' : `{ ${parts.join(', ')} }`;
}

function describeCall({ model, provider, outcome, errorKind }: ScriptedCall): string {
  return `${model} at ${provider}: ${outcome ?? 'open'}${errorKind === undefined ? '' : ` (${errorKind})`}`;
}

function describeRequest(request: RoutedRequest, index: number): string {
  const { surface, requestClass, streamed, outcome, errorCode, model, provider, tier, calls } = request;
  const served =
    model === undefined
      ? 'served by no model'
      : `served by ${model} at ${provider ?? '?'} (${tier ?? '?'} tier)`;
  const lines = [
    `  ${index + 1}. surface ${surface}, class ${requestClass}${streamed ? ', streamed' : ''}: ${served}, ` +
      `${outcome}${errorCode === undefined ? '' : ` (${errorCode})`}, attempts: ${request.attempts}`,
  ];
  // One that was served at once has nothing more to tell.
  if (outcome !== 'succeeded' || calls.length > 1) {
    lines.push(...calls.map((call) => `       ${describeCall(call)}`));
  }
  return lines.join('\n');
}

/** Every request with its calls, a line each; no prompt and no answer is in it. */
export function describeRequests(requests: readonly RoutedRequest[]): string {
  const lines = requests.slice(0, MAX_LISTED).map(describeRequest);
  if (requests.length > MAX_LISTED) lines.push(`  … and ${requests.length - MAX_LISTED} more`);
  return lines.join('\n');
}
