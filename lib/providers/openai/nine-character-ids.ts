import { createHash } from 'node:crypto';

const ALLOWED = /^[a-zA-Z0-9]{9}$/;
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/**
 * Gives every tool call id of a conversation the form Mistral insists on: nine of a-z, A-Z, 0-9. The same id always
 * gets the same form, in a call and in its result, in this request and in the next; two ids never the same.
 */
export class NineCharacterIds {
  readonly #mapped = new Map<string, string>();
  readonly #taken: Set<string>;

  /** @param originalIds All ids of the conversation: those that fit keep their form, whatever comes before them. */
  constructor(originalIds: Iterable<string>) {
    this.#taken = new Set([...originalIds].filter((id) => ALLOWED.test(id)));
  }

  map(id: string): string {
    if (ALLOWED.test(id)) return id;
    const known = this.#mapped.get(id);
    if (known !== undefined) return known;
    let mapped = nineCharactersOf(id);
    for (let round = 1; this.#taken.has(mapped); round += 1) mapped = nineCharactersOf(`${round} ${id}`);
    this.#taken.add(mapped);
    this.#mapped.set(id, mapped);
    return mapped;
  }
}

/** Of the whole id: those of one provider begin alike. */
function nineCharactersOf(id: string): string {
  const bytes = createHash('sha256').update(id).digest();
  let number = bytes.readBigUInt64BE();
  let characters = '';
  for (let place = 0; place < 9; place += 1) {
    characters += DIGITS[Number(number % 62n)] ?? '0';
    number /= 62n;
  }
  return characters;
}
