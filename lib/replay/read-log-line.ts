import { CLASSIFICATION_CLASS, EMBEDDINGS_CLASS } from '../planning/index.js';
import type { RecordedCall } from './behaviour-learner.js';
import { BadLine } from './read-csv-trace.js';
import type { TraceRequest } from './trace-request.js';

/** A line of the request log, as far as a replay needs it. */
export interface LoggedRequest {
  /** Undefined: it is not replayed, for the reason given. */
  readonly request: (TraceRequest & { readonly isLengthKnown: boolean }) | undefined;
  readonly skipped: 'embeddings' | 'refused' | undefined;
  readonly calls: readonly RecordedCall[];
}

/** The latest version of a line that is understood; the first one had no `v` in some files. */
const LATEST_VERSION = 2;

/** The caller's own fault: under no configuration would it have been answered. */
const CALLERS_FAULTS: ReadonlySet<unknown> = new Set([
  'invalid_request',
  'invalid_api_key',
  'surface_not_allowed',
  'request_too_large',
  'content_filter',
  'upstream_rejected',
  'model_not_found',
]);

type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function count(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : 0;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function callOf(value: unknown): RecordedCall | undefined {
  if (!isFields(value)) return undefined;
  const deployment = textOf(value.deployment);
  const outcome = textOf(value.outcome);
  if (deployment === undefined || outcome === undefined || typeof value.startedAtMs !== 'number')
    return undefined;
  const usage = isFields(value.usage) ? value.usage : {};
  return {
    deployment,
    startedAtMs: value.startedAtMs,
    durationMs: count(value.durationMs),
    timeToFirstTokenMs: typeof value.timeToFirstTokenMs === 'number' ? value.timeToFirstTokenMs : undefined,
    outcome,
    errorKind: textOf(value.errorKind),
    retryAfterMs: typeof value.retryAfterMs === 'number' ? value.retryAfterMs : undefined,
    promptTokens: count(usage.promptTokens),
    completionTokens: count(usage.completionTokens),
  };
}

/** Made to find out the class, or to check the answer: its lengths are not the request's. */
function isForClass(call: unknown): boolean {
  return isFields(call) && call.requestClass === CLASSIFICATION_CLASS;
}

/** What of a decision another configuration decides by too. */
function decidedIn(decision: unknown): Pick<TraceRequest, 'requestedModel' | 'score'> {
  if (!isFields(decision)) return {};
  const { score, classifiedBy } = decision;
  const requestedModel = textOf(decision.requestedModel);
  const isScored = classifiedBy === 'scorer' && typeof score === 'number' && score >= 0 && score <= 1;
  return {
    ...(requestedModel === undefined ? {} : { requestedModel }),
    ...(isScored ? { score } : {}),
  };
}

/** @throws {@link BadLine} where it is no line of a request log. */
export function readLogLine(line: string): LoggedRequest {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new BadLine('is no JSON');
  }
  if (!isFields(value)) throw new BadLine('is no JSON object');
  const { v: version = 1, startedAtMs, streamed, requestClass, outcome, errorCode } = value;
  if (typeof version !== 'number' || version > LATEST_VERSION) {
    throw new BadLine('was written by a later version of nestjs-llm-router than this one');
  }
  if (typeof startedAtMs !== 'number' || !Number.isFinite(startedAtMs)) {
    throw new BadLine('has no `startedAtMs`: is it a line of the log that `requestLog` writes?');
  }
  if (typeof streamed !== 'boolean') throw new BadLine('has no `streamed`');
  if (typeof outcome !== 'string') throw new BadLine('has no `outcome`');
  const told: readonly unknown[] = Array.isArray(value.calls) ? value.calls : [];
  const calls = told.flatMap((call) => callOf(call) ?? []);
  if (requestClass === EMBEDDINGS_CLASS) return { request: undefined, skipped: 'embeddings', calls: [] };
  if (CALLERS_FAULTS.has(errorCode)) return { request: undefined, skipped: 'refused', calls };
  // The last one: an answer that was not good enough is followed by another.
  const own = told.flatMap((call) => (isForClass(call) ? [] : (callOf(call) ?? [])));
  const served = own.findLast((call) => call.outcome === 'succeeded') ?? own.at(-1);
  const usage = isFields(value.usage) ? value.usage : {};
  const promptTokens = served?.promptTokens ?? count(usage.promptTokens);
  const answerTokens = served?.completionTokens ?? count(usage.completionTokens);
  const { workload } = value;
  const surface = textOf(value.surface);
  const givenClass = textOf(requestClass);
  return {
    request: {
      atMs: startedAtMs,
      promptTokens,
      answerTokens,
      requestClass: givenClass === 'none' ? undefined : givenClass,
      surface: surface === 'none' ? undefined : surface,
      workload: workload === 'interactive' || workload === 'background' ? workload : undefined,
      streamed,
      ...decidedIn(value.decision),
      isLengthKnown: promptTokens > 0,
    },
    skipped: undefined,
    calls,
  };
}
