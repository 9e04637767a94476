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
