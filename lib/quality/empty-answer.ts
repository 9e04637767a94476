import type { JudgedChoice } from './answer-collector.js';

/** Neither words nor calls, and not for being refused. */
export function isEmpty({ hasContent, calls, isRefusal, finishReason }: JudgedChoice): boolean {
  return !hasContent && calls.length === 0 && !isRefusal && finishReason !== 'content_filter';
}
