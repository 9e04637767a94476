import type { AnswerFault } from '../telemetry/index.js';
import type { JudgedChoice } from './answer-collector.js';
import type { AskedOfAnswer } from './asked-of-answer.js';
import { isCutOff } from './cut-off.js';
import { isEmpty } from './empty-answer.js';
import { isRefusal } from './refusal.js';
import { isSchemaInvalid } from './schema-invalid.js';
import { isToolCallInvalid } from './tool-call-invalid.js';
import { isWrongLanguage } from './wrong-language.js';

type Evaluator = (choice: JudgedChoice, asked: AskedOfAnswer) => boolean;

const EVALUATORS: readonly (readonly [AnswerFault, Evaluator])[] = [
  ['schema_invalid', isSchemaInvalid],
  ['tool_call_invalid', isToolCallInvalid],
  ['refusal', isRefusal],
  ['empty', isEmpty],
  ['cut_off', isCutOff],
  ['wrong_language', isWrongLanguage],
];

/**
 * What an answer with one fault is worth. Nothing, where whoever asked can do nothing with it; of one that is cut off the
 * greater part is there; a refusal may be right, and serves nobody. Several faults multiply.
 */
export const FAULT_WORTH: Readonly<Record<AnswerFault, number>> = {
  schema_invalid: 0,
  tool_call_invalid: 0,
  empty: 0,
  refusal: 0.3,
  wrong_language: 0.5,
  cut_off: 0.6,
};

export interface Evaluation {
  /** Each that any of the choices has, once. */
  readonly faults: readonly AnswerFault[];
  /** 0 to 1, the mean over the choices. */
  readonly score: number;
}

/** Holds an answer against what was asked for, without asking anyone. An answer without choices is an empty one. */
export function evaluateAnswer(choices: readonly JudgedChoice[], asked: AskedOfAnswer): Evaluation {
  if (choices.length === 0) return { faults: ['empty'], score: FAULT_WORTH.empty };
  const faults = new Set<AnswerFault>();
  let sum = 0;
  for (const choice of choices) {
    let worth = 1;
    for (const [fault, hasFault] of EVALUATORS) {
      if (!hasFault(choice, asked)) continue;
      faults.add(fault);
      worth *= FAULT_WORTH[fault];
    }
    sum += worth;
  }
  return { faults: [...faults], score: sum / choices.length };
}
