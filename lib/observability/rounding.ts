/** To a billionth of a dollar: the rest is the noise of binary fractions. */
export function dollars(amount: number): number {
  // Never -0, which JSON hides and a test does not.
  return Math.round(amount * 1e9) / 1e9 + 0;
}

/** A share of 0 to 1, to four digits. */
export function share(part: number, whole: number): number {
  return whole === 0 ? 0 : Math.round((part / whole) * 1e4) / 1e4;
}
