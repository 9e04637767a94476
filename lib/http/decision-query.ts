import { InvalidRequestError } from '../errors/invalid-request-error.js';
import { DECISION_OUTCOMES, type DecisionFilter, MAX_DECISIONS_LISTED } from '../observability/index.js';

/** The parameter, and what it is in a filter. */
const NAMES = {
  surface: 'surface',
  model: 'model',
  deployment: 'deployment',
  provider: 'provider',
  class: 'requestClass',
  tenant: 'tenant',
} as const;
const KNOWN = [...Object.keys(NAMES), 'outcome', 'since', 'limit'];
const MAX_NAME_LENGTH = 512;
const ISO_TIME = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/;

/**
 * What `GET /router/decisions` asks for.
 *
 * @throws {@link InvalidRequestError} that names the parameter.
 */
export function readDecisionFilter(query: unknown): DecisionFilter {
  const given = typeof query === 'object' && query !== null ? Object.entries(query) : [];
  const filter: { -readonly [Key in keyof DecisionFilter]: DecisionFilter[Key] } = {};
  for (const [name, value] of given as [string, unknown][]) {
    if (!KNOWN.includes(name)) {
      throw new InvalidRequestError(`Decisions are filtered by ${KNOWN.join(', ')}.`, name.slice(0, 64));
    }
    if (typeof value !== 'string' || value === '' || value.length > MAX_NAME_LENGTH) {
      throw new InvalidRequestError(`\`${name}\` must be given once, and not be empty.`, name);
    }
    if (name === 'outcome') filter.outcome = outcomeOf(value);
    else if (name === 'since') filter.since = timeOf(value);
    else if (name === 'limit') filter.limit = limitOf(value);
    else filter[NAMES[name as keyof typeof NAMES]] = value;
  }
  return filter;
}

function outcomeOf(value: string): NonNullable<DecisionFilter['outcome']> {
  const outcome = DECISION_OUTCOMES.find((one) => one === value);
  if (outcome !== undefined) return outcome;
  throw new InvalidRequestError(`\`outcome\` must be one of ${DECISION_OUTCOMES.join(', ')}.`, 'outcome');
}

function timeOf(value: string): Date {
  const isMilliseconds = /^\d{1,15}$/.test(value);
  const time = isMilliseconds ? new Date(Number(value)) : new Date(ISO_TIME.test(value) ? value : Number.NaN);
  if (!Number.isNaN(time.getTime())) return time;
  throw new InvalidRequestError(
    '`since` must be an ISO time (2026-01-31T09:00:00Z) or milliseconds since 1970.',
    'since',
  );
}

function limitOf(value: string): number {
  const limit = /^\d{1,6}$/.test(value) ? Number(value) : 0;
  if (limit >= 1 && limit <= MAX_DECISIONS_LISTED) return limit;
  throw new InvalidRequestError(
    `\`limit\` must be a whole number from 1 to ${MAX_DECISIONS_LISTED}.`,
    'limit',
  );
}
