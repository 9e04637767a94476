/** Adds many small amounts without losing their last digits (Kahan): a million cents are ten thousand dollars. */
export class CompensatedSum {
  #sum = 0;
  #lost = 0;

  add(amount: number): void {
    const corrected = amount - this.#lost;
    const sum = this.#sum + corrected;
    this.#lost = sum - this.#sum - corrected;
    this.#sum = sum;
  }

  get value(): number {
    return this.#sum;
  }
}
