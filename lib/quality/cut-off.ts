import type { JudgedChoice } from './answer-collector.js';

/** It ended at its token limit, whoever has set that. */
export function isCutOff({ finishReason }: JudgedChoice): boolean {
  return finishReason === 'length';
}
