// Recorded outcomes of a strong and a weak model on the same prompts, which lie beside the checkout (or where
// `ROUTING_DATA` says) and are no part of the project.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

const DIRECTORY =
  process.env.ROUTING_DATA ?? fileURLToPath(new URL('../../../shared/routing-data/', import.meta.url));

export const DATASETS = ['mmlu', 'gsm8k', 'gsm8k-175b-6b', 'mix'];
export const hasRoutingData = DATASETS.every((name) => existsSync(join(DIRECTORY, `${name}.jsonl.gz`)));

/**
 * @typedef {object} RecordedRow
 * @property {string} dataset
 * @property {string} subset subject or task
 * @property {string} prompt
 * @property {number} strong the strong model's score, 0 to 1
 * @property {number} weak
 */

/** @returns {RecordedRow[]} */
export function readRoutingData() {
  return DATASETS.flatMap((name) =>
    gunzipSync(readFileSync(join(DIRECTORY, `${name}.jsonl.gz`)))
      .toString('utf8')
      .trim()
      .split('\n')
      .map((line) => {
        const { subset, prompt, score_strong: strong, score_weak: weak } = JSON.parse(line);
        return { dataset: name, subset, prompt, strong, weak };
      }),
  );
}
