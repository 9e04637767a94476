import { InvalidRequestError } from '../errors/invalid-request-error.js';
import { isGiven, isJsonObject, type JsonObject } from './json-reading.js';

/** @throws {@link InvalidRequestError} that names the field. */
export function refuse(param: string, expectation: string): never {
  throw new InvalidRequestError(`\`${param}\` ${expectation}.`, param);
}

/** @throws {@link InvalidRequestError}. */
export function requireString(value: unknown, param: string): string {
  if (typeof value !== 'string') refuse(param, 'must be a string');
  return value;
}

/** @throws {@link InvalidRequestError}. */
export function requireObject(value: unknown, param: string): JsonObject {
  if (!isJsonObject(value)) refuse(param, 'must be an object');
  return value;
}

/**
 * A field that may be left out or `null`; both give undefined.
 *
 * @throws {@link InvalidRequestError} where it is there and does not pass.
 */
export function optionalField<Value>(
  value: unknown,
  param: string,
  check: (value: unknown) => value is Value,
  expectation: string,
): Value | undefined {
  if (!isGiven(value)) return undefined;
  if (!check(value)) refuse(param, expectation);
  return value;
}
