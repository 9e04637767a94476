export { AnswerCollector } from './answer-collector.js';
export { type AskedOfAnswer, askedOfAnswer } from './asked-of-answer.js';
export { DETECTED_LANGUAGES, detectLanguage } from './detect-language.js';
export { type Evaluation, evaluateAnswer } from './evaluate-answer.js';
export { AnsweredDecisions, type FeedbackReceipt } from './answered-decisions.js';
export { fitsRequest } from './fits-request.js';
export type { QualityFigures, QualityReport } from './quality-report.js';
export { QualityScores } from './quality-scores.js';
