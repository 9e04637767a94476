import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

/** Beside the checkout, as all shared data; or wherever `AZURE_TRACE` says. */
const TRACE =
  process.env.AZURE_TRACE ??
  fileURLToPath(new URL('../../../shared/traces/azure-llm-2023-conv.csv.gz', import.meta.url));

export const hasTrace = existsSync(TRACE);

/** @returns {number[]} the tokens of each answer, in their order */
export function readTraceTokens() {
  return gunzipSync(readFileSync(TRACE))
    .toString('utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => Number(line.split(',')[2]));
}
