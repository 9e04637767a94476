import { extractFeatures, type RequestFeatures } from '../request-features.js';
import { hashTerms } from './hashed-terms.js';
import type { Reading } from './need-model.js';
import { surfaceOf } from './surface-features.js';

/** Reads the last user turn, which the features bound to 8 KB. */
export function readRequest(features: RequestFeatures): Reading {
  return { terms: hashTerms(features.questionText), surface: surfaceOf(features) };
}

/** Reads a prompt as the only turn of a request. */
export function readPrompt(prompt: string): Reading {
  return readRequest(extractFeatures({ model: 'auto', messages: [{ role: 'user', content: prompt }] }));
}
