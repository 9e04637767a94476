/**
 * Gives every tool call of a conversation an id that Anthropic takes: of the form `^[a-zA-Z0-9_-]+$` (ids of other
 * providers may have dots or colons), and of no other call ("`tool_use` ids must be unique"; some servers count anew
 * in every answer, so that `call_0` comes back in each round). What fits stays as it is.
 *
 * Bedrock takes the same letters, 64 at most.
 */
export class ToolUseIds {
  /** The form of an id that needs another one. */
  readonly #mapped = new Map<string, string>();
  readonly #taken: Set<string>;
  /** The forms that calls have got so far. */
  readonly #called = new Set<string>();
  /** The calls of an id in their order, and how many of them have a result. */
  readonly #calls = new Map<string, { readonly forms: string[]; answered: number }>();
  /** How far the numbers behind a form have been given out: a client may send very many equal ids. */
  readonly #counts = new Map<string, number>();
  readonly #maxLength: number;

  /**
   * @param originalIds All ids of the conversation: those that fit keep their form, whatever comes before them.
   * @param maxLength The longest id the provider takes, in characters; at least ten.
   */
  constructor(originalIds: Iterable<string>, maxLength = Number.POSITIVE_INFINITY) {
    this.#maxLength = maxLength;
    this.#taken = new Set([...originalIds].filter((id) => this.#fits(id)));
  }

  /** The next call of the conversation, which has this id. */
  ofCall(id: string): string {
    const usual = this.#formOf(id);
    const form = this.#called.has(usual) ? this.#makeForm(id) : usual;
    this.#called.add(form);
    const calls = this.#calls.get(id);
    if (calls === undefined) {
      this.#calls.set(id, { forms: [form], answered: 0 });
    } else {
      calls.forms.push(form);
    }
    return form;
  }

  /** The next result of the conversation, which answers the call of this id: the first of them without a result. */
  ofResult(id: string): string {
    const calls = this.#calls.get(id);
    if (calls === undefined) {
      return this.#formOf(id);
    }
    const form = calls.forms[calls.answered];
    if (form === undefined) {
      return calls.forms.at(-1) ?? this.#formOf(id);
    }
    calls.answered += 1;
    return form;
  }

  #formOf(id: string): string {
    if (this.#fits(id)) {
      return id;
    }
    const form = this.#mapped.get(id) ?? this.#makeForm(id);
    this.#mapped.set(id, form);
    return form;
  }

  /** One that nobody has. */
  #makeForm(id: string): string {
    const base = (id.replaceAll(/[^a-zA-Z0-9_-]/g, '_') || 'call').slice(0, this.#maxLength);
    let count = this.#counts.get(base) ?? 1;
    let form = base;
    while (this.#taken.has(form)) {
      count += 1;
      const suffix = `_${count}`;
      form = base.slice(0, this.#maxLength - suffix.length) + suffix;
    }
    this.#counts.set(base, count);
    this.#taken.add(form);
    return form;
  }

  #fits(id: string): boolean {
    return /^[a-zA-Z0-9_-]+$/.test(id) && id.length <= this.#maxLength;
  }
}
