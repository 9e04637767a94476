import { ProviderError } from '../errors/provider-error.js';
import type { ProviderErrorKind } from '../errors/index.js';
import type { OversizedFault, StalledFault, StatusFault, UpstreamRequestFault } from '../testing/index.js';
import type { ProviderFault, ScriptedFault } from './scripting.interface.js';

/** What providers send with each kind; a connection that fails has no status. */
const USUAL: Readonly<Record<ProviderErrorKind, { readonly status?: number; readonly code?: string }>> = {
  rate_limited: { status: 429 },
  overloaded: { status: 503 },
  server_error: { status: 500 },
  authentication: { status: 401 },
  permission: { status: 403 },
  billing: { status: 402 },
  not_found: { status: 404 },
  invalid_request: { status: 400 },
  context_length: { status: 400, code: 'context_length_exceeded' },
  content_filter: { status: 400, code: 'content_filter' },
  request_too_large: { status: 413 },
  timeout: {},
  connection: { code: 'ECONNREFUSED' },
  bad_response: { status: 200 },
  stream_cut: {},
};

/** An answer that has begun and breaks. */
interface BrokenCourse {
  readonly kind: 'broken';
  /** So many pieces of a stream come before. */
  readonly afterChunks: number;
  /** What ends a stream. */
  readonly streamed: ProviderError;
  /** What ends an answer that is not streamed. */
  readonly whole: ProviderError;
}

/** An answer that is right, and late. */
interface SlowCourse {
  readonly kind: 'slow';
  readonly beforeMs: number;
  /** The pause before each piece. */
  readonly everyMs: number;
}

/** A fault that is an error at once, or one that takes its course; undefined where the router does not mind it. */
export type Course =
  | { readonly kind: 'error'; readonly error: ProviderError }
  | Required<StalledFault>
  | BrokenCourse
  | SlowCourse
  | undefined;

function kindOfStatus(status: number): ProviderErrorKind {
  switch (status) {
    case 401:
      return 'authentication';
    case 402:
      return 'billing';
    case 403:
      return 'permission';
    case 404:
      return 'not_found';
    case 413:
      return 'request_too_large';
    case 429:
      return 'rate_limited';
    case 503:
    case 529:
      return 'overloaded';
    default:
      return status >= 500 ? 'server_error' : 'invalid_request';
  }
}

/** What a scripted fault comes to, in the router's own words. */
export function toCourse(scripted: ScriptedFault): Course {
  // An object of the kind alone is every fault whose details may be left out.
  const fault =
    typeof scripted === 'string' ? ({ kind: scripted } as Exclude<ScriptedFault, string>) : scripted;
  if (fault.kind === 'stream_cut') return toCut({ kind: 'cut' });
  if (fault.kind === 'refused') return toError({ kind: 'connection' });
  return isProviderFault(fault) ? toError(fault) : toUpstreamCourse(fault);
}

function isProviderFault(fault: Exclude<ScriptedFault, string>): fault is ProviderFault {
  return fault.kind in USUAL;
}

function toUpstreamCourse(fault: UpstreamRequestFault): Course {
  switch (fault.kind) {
    case 'status':
      return toStatus(fault);
    case 'stalled':
      return { kind: 'stalled', after: fault.after ?? 'request' };
    case 'cut':
      return toCut(fault);
    case 'stream_error': {
      const error = toProviderError({ kind: 'server_error' });
      return { kind: 'broken', afterChunks: fault.afterChunks, streamed: error, whole: error };
    }
    case 'delay':
      return { kind: 'slow', beforeMs: fault.delayMs, everyMs: 0 };
    case 'drip':
      return { kind: 'slow', beforeMs: 0, everyMs: fault.everyMs };
    case 'malformed': {
      const error = toProviderError({ kind: 'bad_response', providerCode: 'not_json' });
      return { kind: 'broken', afterChunks: fault.afterChunks ?? 0, streamed: error, whole: error };
    }
    case 'error_in_200':
      return toError({ kind: kindOfStatus(fault.status ?? 500), status: 200 });
    case 'html': {
      const { status = 200 } = fault;
      return status < 300
        ? toError({ kind: 'bad_response', status, providerCode: 'html' })
        : toStatus({ kind: 'status', status });
    }
    case 'oversized':
      return toOversized(fault);
    case 'reset':
      return toError({ kind: 'connection', providerCode: 'ECONNRESET' });
    case 'content_type':
      return undefined;
  }
}

/** A whole body has its bound; a header and a line of a stream have that of whoever reads them, as a lost connection. */
function toOversized({ part }: OversizedFault): Course {
  const lost = toProviderError({ kind: 'connection', providerCode: undefined });
  const whole =
    part === 'header' ? lost : toProviderError({ kind: 'bad_response', providerCode: 'response_too_large' });
  return { kind: 'broken', afterChunks: 0, streamed: lost, whole };
}

/** Where it is cut in bytes, a stream comes to its first piece: in process there are none to count. */
function toCut(fault: Extract<UpstreamRequestFault, { kind: 'cut' }>): Course {
  const whole =
    fault.ending === 'clean'
      ? toProviderError({ kind: 'bad_response', providerCode: 'not_json' })
      : new ProviderError({ kind: 'connection', status: 200, providerCode: 'ECONNRESET' });
  const streamed = new ProviderError({ kind: 'stream_cut', status: 200 });
  return { kind: 'broken', afterChunks: fault.afterChunks ?? 1, streamed, whole };
}

function toStatus({ status, retryAfterSeconds, retryAfter }: StatusFault): Course {
  const seconds = retryAfter === undefined ? retryAfterSeconds : secondsOf(retryAfter);
  const retryAfterMs = seconds === undefined ? undefined : Math.max(seconds * 1_000, 0);
  return { kind: 'error', error: new ProviderError({ kind: kindOfStatus(status), status, retryAfterMs }) };
}

/** What the adapters read out of each form; they take no wait from the headers of limits. */
function secondsOf(form: NonNullable<StatusFault['retryAfter']>): number | undefined {
  switch (form.as) {
    case 'seconds':
    case 'http_date':
    case 'milliseconds':
    case 'retry_info':
      return form.seconds;
    case 'reset_header':
    case 'text':
    case 'none':
      return undefined;
  }
}

function toError(fault: ProviderFault): Course {
  return { kind: 'error', error: toProviderError(fault) };
}

function toProviderError({ message, ...details }: ProviderFault): ProviderError {
  const { status, code } = USUAL[details.kind];
  return new ProviderError({ status, providerCode: code, ...details, providerMessage: message });
}
