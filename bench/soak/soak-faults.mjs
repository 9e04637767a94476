// Every fault of the kit that can befall a single call, and whether a stream has said something before.
import { retryAfterForms } from 'nestjs-llm-router/testing';

const STATUSES = [500, 502, 503, 529, 408, 409];

/** Nothing has been sent to the client by then: another deployment can still serve. A list in it is one kind of several forms. */
const EARLY = [
  STATUSES.map((status) => ({ kind: 'status', status })),
  Object.values(retryAfterForms(1)).map((retryAfter) => ({ kind: 'status', status: 429, retryAfter })),
  { kind: 'stalled', after: 'request' },
  { kind: 'stalled', after: 'headers' },
  { kind: 'cut', afterChunks: 0 },
  { kind: 'cut', afterChunks: 0, ending: 'reset' },
  { kind: 'cut', afterChunks: 0, ending: 'clean' },
  { kind: 'stream_error', afterChunks: 0 },
  { kind: 'malformed', afterChunks: 0 },
  { kind: 'error_in_200' },
  { kind: 'html' },
  { kind: 'content_type' },
  { kind: 'oversized', part: 'header' },
  { kind: 'reset' },
  { kind: 'reset', connection: 'reused' },
  { kind: 'delay', delayMs: 1_000 },
];

/** A stream has begun by then; a whole answer has not. */
const LATE = [
  { kind: 'cut', afterChunks: 4 },
  { kind: 'cut', afterChunks: 4, ending: 'reset' },
  { kind: 'cut', afterChunks: 4, ending: 'clean' },
  { kind: 'cut', afterBytes: 1_500 },
  { kind: 'stalled', after: 'first_token' },
  { kind: 'stream_error', afterChunks: 4 },
  { kind: 'malformed', afterChunks: 4 },
  { kind: 'drip', everyMs: 200, bytes: 400 },
];

function pickForm(random, kinds) {
  const kind = random.pick(kinds);
  return Array.isArray(kind) ? random.pick(kind) : kind;
}

/**
 * A fault for a share of the calls, early and late ones alike often; what befell which request is kept.
 *
 * @param {import('../world/random.mjs').Random} random
 */
export function randomFaults(random, share, idOf) {
  /** @type {Map<string, { provider: string, isLate: boolean, fault: object }[]>} */
  const befallen = new Map();
  const scriptFor = (provider) => (request) => {
    const id = idOf(request);
    const isDoomed = id.startsWith('doomed');
    if (!isDoomed && !random.chance(share)) return undefined;
    const isLateKind = !isDoomed && random.chance(0.5);
    const fault = isDoomed ? { kind: 'stalled' } : pickForm(random, isLateKind ? LATE : EARLY);
    const list = befallen.get(id) ?? [];
    list.push({ provider, isLate: isLateKind && request.streamed, fault });
    befallen.set(id, list);
    return fault;
  };
  return { befallen, scriptFor };
}
