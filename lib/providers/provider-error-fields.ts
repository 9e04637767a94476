import type { ProviderErrorKind } from '../errors/provider-error-kind.js';

const IDENTIFIER = /^[A-Za-z0-9_.-]{1,64}$/;
/** Field paths such as `messages[0].content` or `generation_config.top_k`. */
const FIELD_PATH = /^[A-Za-z0-9_.$[\]-]{1,128}$/;

/** A provider's code, if it is an identifier: a sentence may quote the prompt and must not become a label. */
export function identifierOf(value: unknown): string | undefined {
  const text = typeof value === 'number' ? String(value) : value;
  return typeof text === 'string' && IDENTIFIER.test(text) ? text : undefined;
}

/** The field a provider names, if it is a field path. */
export function fieldPathOf(value: unknown): string | undefined {
  return typeof value === 'string' && FIELD_PATH.test(value) ? value : undefined;
}

/** What an HTTP status means where the body says nothing better. */
export function kindOfStatus(status: number): ProviderErrorKind {
  switch (status) {
    case 401:
      return 'authentication';
    case 402:
      return 'billing';
    case 403:
    case 451:
      return 'permission';
    case 404:
    case 405:
    case 410:
      return 'not_found';
    case 408:
      return 'timeout';
    case 409:
    case 425:
      // A conflict or a replayed early request says nothing against the request itself: it may be sent again.
      return 'server_error';
    case 413:
      return 'request_too_large';
    case 429:
      return 'rate_limited';
    case 503:
    case 529:
      return 'overloaded';
    default:
      if (status >= 500) {
        return 'server_error';
      }
      // A success or a redirect that ended up here is no answer of the API.
      return status >= 400 ? 'invalid_request' : 'bad_response';
  }
}

/** Whether a sentence of the provider says that the prompt is longer than the model can read. */
export function saysContextLength(message: string | undefined): boolean {
  return (
    message !== undefined &&
    /maximum context length|context[ _](?:length|window|limit)|prompt is too long|input token count .{0,40}exceeds|too many (?:input )?tokens|exceeds? the (?:maximum|available) (?:number of tokens|context)/i.test(
      message,
    )
  );
}
