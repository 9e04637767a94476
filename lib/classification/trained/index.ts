export {
  trainClassifier,
  type TrainClassifierOptions,
  type TrainedWeights,
  type TrainingReport,
} from './train-classifier.js';
export { TrainedScorer } from './trained-scorer.js';
export { TrainingDataError, type TrainingDataIssue } from './training-data-error.js';
export type { TrainingRow } from './training-rows.js';
export { WeightsFileError } from './weights-file-error.js';
