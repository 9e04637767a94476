import { isJsonObject, listOf, textOf } from './json-reading.js';
import { boundedWaitMs } from './retry-after.js';

const DELAY = /^(\d{1,9}(?:\.\d+)?)s$/;
const DELAY_IN_TEXT = /"retryDelay"\s*:\s*"(\d{1,9}(?:\.\d+)?s)"/;

/**
 * The wait that Google names in `google.rpc.RetryInfo` among an error's details, in milliseconds; undefined where there
 * is none. It is a protobuf duration: seconds with an `s` behind (https://protobuf.dev/reference/protobuf/google.protobuf/#duration).
 */
export function retryInfoMs(details: unknown): number | undefined {
  return listOf(details)
    .filter(isJsonObject)
    .map((detail) => durationMs(textOf(detail.retryDelay)))
    .find((delayMs) => delayMs !== undefined);
}

/** The same where a proxy quotes Google's whole error as the text of its own. */
export function retryInfoInTextMs(text: string | undefined): number | undefined {
  return durationMs(DELAY_IN_TEXT.exec(text ?? '')?.[1]);
}

function durationMs(duration: string | undefined): number | undefined {
  const seconds = DELAY.exec(duration ?? '')?.[1];
  return seconds === undefined ? undefined : boundedWaitMs(Number(seconds) * 1000);
}
