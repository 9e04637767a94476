// Means over seeds, with the interval that holds the true one with a confidence of 95 %.

/** Two-sided 95 % of Student's t, by degrees of freedom; the normal one beyond. */
const STUDENT = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131,
  2.12, 2.11, 2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042,
];

/** @returns {{ mean: number, half: number }} */
export function interval(values) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  if (values.length < 2) return { mean, half: 0 };
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  const student = STUDENT[values.length - 2] ?? 1.96;
  return { mean, half: student * Math.sqrt(variance / values.length) };
}

/** Seed by seed: both have had the same luck. */
export function difference(first, second) {
  return interval(first.map((value, index) => value - second[index]));
}
