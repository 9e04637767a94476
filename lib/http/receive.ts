import type { IncomingMessage } from 'node:http';
import { InvalidRequestError } from '../errors/invalid-request-error.js';
import type { Caller, CallerGuard } from './caller.js';
import { checkContentType, intakeOf } from './request-intake.js';

/**
 * The caller and the body of a request: as we took them in, or, where the host had parsed the body before us, the
 * host's.
 *
 * @throws whatever refused the request.
 */
export function receive(
  request: IncomingMessage,
  platformRequest: unknown,
  guard: CallerGuard,
): { caller: Caller; body: unknown } {
  const intake = intakeOf(request);
  if (intake?.error !== undefined) throw intake.error;
  if (intake !== undefined) {
    const { body } = intake;
    return { caller: intake.guard === guard ? intake.caller : guard.identify(request), body };
  }
  const caller = guard.identify(request);
  checkContentType(request, guard);
  const { body } = platformRequest as { body?: unknown };
  if (body === undefined) throw new InvalidRequestError('The request has no JSON body.');
  return { caller, body };
}
