/**
 * The gain recovered when the `k` prompts of the highest score go to the strong model, for `k` of 0 to all. Prompts of one
 * score share their gain evenly: what any order among them gives on average.
 */
function recovered(scores: ArrayLike<number>, gains: ArrayLike<number>): Float64Array {
  const scoreOf = (index: number): number => scores[index] ?? 0;
  const order = Array.from({ length: gains.length }, (_, index) => index).sort(
    (first, second) => scoreOf(second) - scoreOf(first),
  );
  const curve = new Float64Array(order.length + 1);
  let from = 0;
  while (from < order.length) {
    const score = scoreOf(order[from] ?? 0);
    let to = from;
    let sum = 0;
    for (; to < order.length && scoreOf(order[to] ?? 0) === score; to += 1) sum += gains[order[to] ?? 0] ?? 0;
    for (let index = from; index < to; index += 1) {
      curve[index + 1] = (curve[from] ?? 0) + (sum * (index + 1 - from)) / (to - from);
    }
    from = to;
  }
  return curve;
}

/**
 * Area under the performance gap recovered, over the share of prompts sent to the strong model (RouteLLM, arXiv
 * 2406.18665), by trapezoids. A random order has 0.5; undefined where the strong model is on the whole no better.
 */
export function apgr(scores: ArrayLike<number>, gains: ArrayLike<number>): number | undefined {
  const curve = recovered(scores, gains);
  const all = curve.at(-1) ?? 0;
  if (!(all > 0)) return undefined;
  let area = 0;
  for (let index = 1; index < curve.length; index += 1) {
    area += ((curve[index - 1] ?? 0) + (curve[index] ?? 0)) / 2;
  }
  return area / (curve.length - 1) / all;
}

/** The least share sent to the strong model that recovers `goal` of the gap; undefined as {@link apgr}. */
export function cpt(scores: ArrayLike<number>, gains: ArrayLike<number>, goal: number): number | undefined {
  const curve = recovered(scores, gains);
  const all = curve.at(-1) ?? 0;
  if (!(all > 0)) return undefined;
  return curve.findIndex((value) => value >= goal * all) / (curve.length - 1);
}

/** What each prompt's gain counts in the area: 1 for the first sent to the strong model, 0 for the last; ties share. */
function areaWeights(scores: ArrayLike<number>): Float64Array {
  const count = scores.length;
  const scoreOf = (index: number): number => scores[index] ?? 0;
  const order = Array.from({ length: count }, (_, index) => index).sort(
    (first, second) => scoreOf(second) - scoreOf(first),
  );
  const weights = new Float64Array(count);
  let from = 0;
  while (from < count) {
    const score = scoreOf(order[from] ?? 0);
    let to = from;
    while (to < count && scoreOf(order[to] ?? 0) === score) to += 1;
    for (let index = from; index < to; index += 1) weights[order[index] ?? 0] = 1 - (from + to) / (2 * count);
    from = to;
  }
  return weights;
}

/**
 * By how much one ranking's {@link apgr} is above another's on the same prompts, and the standard error of that: of a few
 * prompts much is chance.
 */
export function apgrBetterment(
  better: ArrayLike<number>,
  base: ArrayLike<number>,
  gains: ArrayLike<number>,
): { readonly difference: number; readonly standardError: number } {
  const [after, before] = [areaWeights(better), areaWeights(base)];
  let total = 0;
  let sum = 0;
  for (let index = 0; index < gains.length; index += 1) {
    total += gains[index] ?? 0;
    sum += (gains[index] ?? 0) * ((after[index] ?? 0) - (before[index] ?? 0));
  }
  const difference = sum / total;
  let squares = 0;
  for (let index = 0; index < gains.length; index += 1) {
    const off = (gains[index] ?? 0) * ((after[index] ?? 0) - (before[index] ?? 0) - difference);
    squares += off * off;
  }
  return { difference, standardError: Math.sqrt(squares) / Math.abs(total) };
}
