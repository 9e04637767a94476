const STEPS = 1_000;
const TEXTS = Array.from({ length: STEPS + 1 }, (_, step) => (step / STEPS).toFixed(3));

/** A class's score with three decimals, as notes have it. Every request has one, and writing numbers out is slow. */
export function scoreText(score: number): string {
  return TEXTS[Math.round(score * STEPS)] ?? score.toFixed(3);
}
