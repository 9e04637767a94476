import type { IncomingMessage } from 'node:http';
import { InvalidRequestError } from '../errors/invalid-request-error.js';
import { SurfaceNotAllowedError } from '../errors/surface-not-allowed-error.js';
import { currentLlmContext } from '../context/index.js';
import type { InternalCallOptions } from '../pipeline/index.js';
import type { Caller } from './caller.js';

const MAX_DEADLINE_MS = 600_000;

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  const text = (Array.isArray(value) ? value[0] : value)?.trim();
  return text === '' ? undefined : text;
}

/**
 * What the `x-llm-*` headers and the key say of a request. A key's tenant and surfaces win; a header can only
 * tighten. Where the application has put a `@Surface` on the router's own controllers, it wins over the headers: a client
 * cannot leave a surface for one with lower floors.
 *
 * @throws {@link InvalidRequestError} for a header that cannot be read, {@link SurfaceNotAllowedError} for a surface
 * the key may not use.
 */
export function readCallOptions(
  request: IncomingMessage,
  caller: Caller,
  signal?: AbortSignal,
): InternalCallOptions {
  const workload = header(request, 'x-llm-workload');
  if (workload !== undefined && workload !== 'interactive' && workload !== 'background') {
    throw new InvalidRequestError(
      '`x-llm-workload` must be "interactive" or "background".',
      'x-llm-workload',
    );
  }
  const deadlineText = header(request, 'x-llm-deadline-ms');
  if (deadlineText !== undefined && !/^[1-9]\d{0,9}$/.test(deadlineText)) {
    throw new InvalidRequestError(
      '`x-llm-deadline-ms` must be a whole number of milliseconds.',
      'x-llm-deadline-ms',
    );
  }
  const decorated = currentLlmContext();
  return {
    surface:
      decorated.surface === undefined
        ? surfaceFor(header(request, 'x-llm-surface'), caller)
        : allowed(decorated.surface, caller),
    surfaceParam: 'x-llm-surface',
    // A key's holder must not turn patient work into urgent.
    workload:
      decorated.workload ?? (caller.keyId !== undefined && workload === 'interactive' ? undefined : workload),
    tenant:
      caller.keyId === undefined
        ? (decorated.tenant ?? header(request, 'x-llm-tenant')?.slice(0, 256))
        : caller.tenant,
    deadlineLimitMs: deadlineText === undefined ? undefined : Math.min(Number(deadlineText), MAX_DEADLINE_MS),
    keyId: caller.keyId,
    signal,
  };
}

function surfaceFor(named: string | undefined, caller: Caller): string | undefined {
  const { surfaces } = caller;
  if (surfaces === undefined) return named;
  if (named === undefined) {
    // Without a surface there would be no floor: a key for one surface means that one.
    if (surfaces.length === 1) return surfaces[0];
    throw new SurfaceNotAllowedError(
      `This key is for certain surfaces: name one in \`x-llm-surface\` (${surfaces.join(', ')}).`,
      'x-llm-surface',
    );
  }
  return allowed(named, caller);
}

function allowed(named: string, caller: Caller): string {
  if (caller.surfaces?.includes(named) === false) {
    throw new SurfaceNotAllowedError('This key may not use that surface.', 'x-llm-surface');
  }
  return named;
}
