/**
 * Gives every tool call id of a conversation a form Anthropic takes (`^[a-zA-Z0-9_-]+$`); ids of other providers may
 * have dots or colons. The same id always gets the same form, two ids never the same.
 *
 * Bedrock takes the same letters, 64 at most.
 */
export class ToolUseIds {
  readonly #mapped = new Map<string, string>();
  readonly #taken: Set<string>;
  readonly #maxLength: number;

  /**
   * @param originalIds All ids of the conversation: those that fit keep their form, whatever comes before them.
   * @param maxLength The longest id the provider takes, in characters; at least ten.
   */
  constructor(originalIds: Iterable<string>, maxLength = Number.POSITIVE_INFINITY) {
    this.#maxLength = maxLength;
    this.#taken = new Set([...originalIds].filter((id) => this.#fits(id)));
  }

  map(id: string): string {
    if (this.#fits(id)) {
      return id;
    }
    const known = this.#mapped.get(id);
    if (known !== undefined) {
      return known;
    }
    const base = (id.replaceAll(/[^a-zA-Z0-9_-]/g, '_') || 'call').slice(0, this.#maxLength);
    let mapped = base;
    for (let count = 2; this.#taken.has(mapped); count += 1) {
      const suffix = `_${count}`;
      mapped = base.slice(0, this.#maxLength - suffix.length) + suffix;
    }
    this.#taken.add(mapped);
    this.#mapped.set(id, mapped);
    return mapped;
  }

  #fits(id: string): boolean {
    return /^[a-zA-Z0-9_-]+$/.test(id) && id.length <= this.#maxLength;
  }
}
