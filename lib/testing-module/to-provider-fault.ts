import { ProviderError } from '../errors/provider-error.js';
import type { ProviderErrorKind } from '../errors/index.js';
import type { CutFault, StalledFault, StreamErrorFault } from '../testing/index.js';
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

/** A fault that is an error at once, or one that takes its course. */
export type Course =
  | { readonly kind: 'error'; readonly error: ProviderError }
  | Required<StalledFault>
  | CutFault
  | (StreamErrorFault & { readonly error: ProviderError });

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
  if (fault.kind === 'stalled') return { kind: 'stalled', after: fault.after ?? 'request' };
  if (fault.kind === 'cut') return fault;
  if (fault.kind === 'stream_cut') return { kind: 'cut', afterChunks: 1 };
  if (fault.kind === 'stream_error') return { ...fault, error: toProviderError({ kind: 'server_error' }) };
  if (fault.kind === 'refused') return { kind: 'error', error: toProviderError({ kind: 'connection' }) };
  if (fault.kind !== 'status') return { kind: 'error', error: toProviderError(fault) };
  const { status, retryAfterSeconds } = fault;
  const retryAfterMs = retryAfterSeconds === undefined ? undefined : retryAfterSeconds * 1_000;
  return { kind: 'error', error: new ProviderError({ kind: kindOfStatus(status), status, retryAfterMs }) };
}

function toProviderError({ message, ...details }: ProviderFault): ProviderError {
  const { status, code } = USUAL[details.kind];
  return new ProviderError({ status, providerCode: code, ...details, providerMessage: message });
}
