// Scripts of faults, for `setFaults` of a scripted upstream.

/** Every way in which a stream breaks; `early` ones come before its first token. */
export const STREAM_FAULTS = [
  { kind: 'cut', afterChunks: 4 },
  { kind: 'cut', afterChunks: 4, clean: true },
  { kind: 'stalled', after: 'first_token' },
  { kind: 'stream_error', afterChunks: 0 },
  { kind: 'stream_error', afterChunks: 4 },
  { kind: 'stalled', after: 'request' },
  { kind: 'malformed', afterChunks: 4 },
];

export function someStreams(random, share, faults = STREAM_FAULTS) {
  return ({ streamed }) => (streamed && random.chance(share) ? random.pick(faults) : undefined);
}

export function someStatuses(random, share, statuses) {
  return () => (random.chance(share) ? { kind: 'status', status: random.pick(statuses) } : undefined);
}

/** A bucket that lets so many through in a second; the others get a 429, its wait told in each form in turn. */
export function rateLimit(perSecond, api) {
  const forms = RETRY_AFTER_FORMS[api];
  let tokens = perSecond;
  let filledAt = performance.now();
  let refusals = 0;
  return () => {
    const now = performance.now();
    tokens = Math.min(perSecond, tokens + ((now - filledAt) / 1_000) * perSecond);
    filledAt = now;
    if (tokens >= 1) {
      tokens -= 1;
      return undefined;
    }
    refusals += 1;
    const waitSeconds = 1 + (refusals % 3);
    return forms[refusals % forms.length](waitSeconds);
  };
}

const limited = (more) => ({ kind: 'status', status: 429, ...more });
const FORMS = [(seconds) => limited({ retryAfterSeconds: seconds }), () => limited({})];
const RETRY_AFTER_FORMS = { openai: FORMS, anthropic: FORMS, gemini: FORMS };
