const ALLOWED = /^[a-zA-Z0-9_-]+$/;

/**
 * Gives every tool call id of a conversation a form Anthropic takes (`^[a-zA-Z0-9_-]+$`); ids of other providers may
 * have dots or colons. The same id always gets the same form, two ids never the same.
 */
export class ToolUseIds {
  readonly #mapped = new Map<string, string>();
  readonly #taken: Set<string>;

  /** @param originalIds All ids of the conversation: those that fit keep their form, whatever comes before them. */
  constructor(originalIds: Iterable<string>) {
    this.#taken = new Set([...originalIds].filter((id) => ALLOWED.test(id)));
  }

  map(id: string): string {
    if (ALLOWED.test(id)) {
      return id;
    }
    const known = this.#mapped.get(id);
    if (known !== undefined) {
      return known;
    }
    const base = id.replaceAll(/[^a-zA-Z0-9_-]/g, '_') || 'call';
    let mapped = base;
    for (let suffix = 2; this.#taken.has(mapped); suffix += 1) {
      mapped = `${base}_${suffix}`;
    }
    this.#taken.add(mapped);
    this.#mapped.set(id, mapped);
    return mapped;
  }
}
