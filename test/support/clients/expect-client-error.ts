import { expect } from 'vitest';
import type { ExpectedClientError } from './client-driver.interface.js';

type ErrorClass = abstract new (...values: never[]) => Error;

/** The error classes of an official SDK, whichever its major. */
export interface OpenAiErrorClasses {
  readonly APIError: ErrorClass;
  readonly BadRequestError: ErrorClass;
  readonly AuthenticationError: ErrorClass;
  readonly NotFoundError: ErrorClass;
  readonly RateLimitError: ErrorClass;
  readonly InternalServerError: ErrorClass;
}

/** What a call raises. @throws where it raises nothing. */
export async function raisedBy(call: Promise<unknown>): Promise<unknown> {
  const outcome = await call.then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  if (outcome === undefined) throw new Error('The client raised nothing.');
  return outcome.error;
}

/** Holds an error to the class that an official SDK has for its status, and to the fields it reads out of the body. */
export function expectApiError(
  sdk: OpenAiErrorClasses,
  error: unknown,
  { status, code, type, param }: ExpectedClientError,
): void {
  const classes = {
    400: sdk.BadRequestError,
    401: sdk.AuthenticationError,
    404: sdk.NotFoundError,
    429: sdk.RateLimitError,
    502: sdk.InternalServerError,
  };
  expect(error).toBeInstanceOf(status === undefined ? sdk.APIError : classes[status]);
  expect(error).toMatchObject({ status, code, type, param });
}
