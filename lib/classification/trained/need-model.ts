import type { HashedTerms } from './hashed-terms.js';
import { type LinearModel, predictLinear } from './linear-model.js';
import { predictLine, type SurfaceLine } from './surface-line.js';
import { predictTrees, type TreeModel } from './tree-model.js';

/** Three models of one target, and how far their sum is believed. */
export interface Head {
  readonly linear: LinearModel;
  readonly trees: TreeModel;
  readonly line: SurfaceLine;
  /** What each is multiplied by before they are added. */
  readonly linearShare: number;
  readonly treeShare: number;
  readonly lineShare: number;
  /** The sum is held within plus and minus this: an extreme says no more. */
  readonly limit: number;
  /** What the held sum adds to the whole is multiplied by this. */
  readonly factor: number;
}

/** What the score is made of: a bias and the sum of the heads, put through a curve from 0 to 1. */
export interface NeedModel {
  readonly bias: number;
  readonly heads: readonly Head[];
}

/** A text as the models see it. */
export interface Reading {
  readonly terms: HashedTerms;
  readonly surface: Float64Array;
}

/** A head's sum, held within its limit, before its factor. */
export function predictHead(head: Head, { terms, surface }: Reading): number {
  const sum =
    head.linearShare * predictLinear(head.linear, terms) +
    head.treeShare * predictTrees(head.trees, surface) +
    head.lineShare * predictLine(head.line, surface);
  return Math.min(Math.max(sum, -head.limit), head.limit);
}

/** The whole before the curve: above 0 speaks for a strong model. */
export function predictMargin(model: NeedModel, reading: Reading): number {
  let margin = model.bias;
  for (const head of model.heads) margin += head.factor * predictHead(head, reading);
  return margin;
}
