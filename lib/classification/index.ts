export { type ClassCondition, compileCondition } from './class-condition.js';
export type {
  ClassificationPolicy,
  ClassifierPolicy,
  ExamplesPolicy,
  JudgePolicy,
  KeyedScorer,
  OwnClass,
} from './classification-policy.js';
export { BUILT_IN_CLASSES, type Classification, type ClassifiedBy, type Classifier } from './classifier.js';
export { type EmbeddingFeatures, extractEmbeddingFeatures } from './embedding-features.js';
export {
  type ModelCaller,
  type ModelQuestion,
  NoEligibleDeployment,
  type PrepareVectors,
} from './model-caller.js';
export type { NeedScorer } from './need-scorer.js';
export type { OnPlugInFault } from './plug-in-gate.js';
export {
  type AskingRequest,
  type ClassifiableRequest,
  RequestClassifier,
  type RequestClassifierParts,
  type Scoring,
} from './request-classifier.js';
export { extractFeatures, type RequestFeatures } from './request-features.js';
export { RULES_THRESHOLD, RulesClassifier } from './rules-classifier.js';
export {
  trainClassifier,
  type TrainClassifierOptions,
  TrainedScorer,
  type TrainedWeights,
  TrainingDataError,
  type TrainingDataIssue,
  type TrainingReport,
  type TrainingRow,
  WeightsFileError,
} from './trained/index.js';
export { AnswerChecker, type CheckedAnswer } from './verification/answer-checker.js';
export type { VerifyPolicy } from './verification/verify-policy.js';
export type { Calibration } from './surface-thresholds.js';
