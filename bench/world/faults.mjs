// Scripts of faults, for `setFaults` of a scripted upstream.
import { retryAfterForms } from 'nestjs-llm-router/testing';

/** Every way in which a stream breaks; `early` ones come before its first token. */
export const STREAM_FAULTS = [
  { kind: 'cut', afterChunks: 4, ending: 'reset' },
  { kind: 'cut', afterChunks: 4, ending: 'clean' },
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

/** What nobody could honour is left out of the forms: a wait of a year. The wait that is told is a true one. */
const formsFor = (seconds) =>
  Object.entries(retryAfterForms(seconds))
    .filter(([name]) => name !== 'absurdly_long')
    .map(([, form]) => form);

/** A bucket that lets so many through in a second; the others get a 429, its wait told in each form in turn. */
export function rateLimit(perSecond) {
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
    const forms = formsFor(1 + (refusals % 3));
    const retryAfter = forms[refusals % forms.length];
    refusals += 1;
    return { kind: 'status', status: 429, retryAfter };
  };
}
