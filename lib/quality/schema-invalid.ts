import type { JudgedChoice } from './answer-collector.js';
import type { AskedOfAnswer } from './asked-of-answer.js';
import { isFittingJson } from './wanted-json.js';

/**
 * JSON was asked for, and this is none or does not fit the schema. What refuses, or calls a tool, answers otherwise; what
 * is too long is not judged, and schema words that are not known here are no fault.
 */
export function isSchemaInvalid(choice: JudgedChoice, { wanted }: AskedOfAnswer): boolean {
  if (wanted === undefined || !choice.isTextWhole || choice.calls.length > 0) return false;
  const hasRefused = choice.isRefusal || choice.finishReason === 'content_filter';
  if (hasRefused && choice.text === '') return false;
  return !isFittingJson(choice.text, wanted);
}
