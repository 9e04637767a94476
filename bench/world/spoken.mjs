// What upstreams say and what was said: each answer is a text of its own, so that a cut, a doubling, a mixture of two
// answers or another's answer cannot pass for whole.

/** A request's wishes stand in its prompt: they are the same on every wire. */
const WISHES = /\[id=([\w-]+) words=(\d+) tokens=(\d+)\]/;
const TOKENS_A_WORD = 4;

export function promptFor({
  id,
  promptTokens,
  answerTokens,
  words = Math.max(6, Math.round(answerTokens / TOKENS_A_WORD)),
}) {
  const filler = 'Tell me what is new. '.repeat(Math.ceil((promptTokens * 4) / 21));
  return `${filler}[id=${id} words=${words} tokens=${answerTokens}]`;
}

/** @returns {{ id: string, words: number, answerTokens: number }} */
export function wishesOf(text) {
  const [, id = '?', words = '6', tokens = '24'] = WISHES.exec(text) ?? [];
  return { id, words: Number(words), answerTokens: Number(tokens) };
}

export class Spoken {
  /** @type {Map<string, { text: string, by: string }[]>} by request: one for every call that was to be answered */
  #texts = new Map();
  #calls = 0;

  /** A text that nobody has said before. */
  say(by, { id, words }) {
    const call = (this.#calls += 1).toString(36);
    const numbered = Array.from({ length: words }, (_, index) => `${by[0]}${call}.${index + 1}`);
    const text = `${numbered.join(' ')} end:${words}/${id}`;
    const texts = this.#texts.get(id) ?? [];
    texts.push({ text, by });
    this.#texts.set(id, texts);
    return text;
  }

  /** @returns {'whole' | 'beginning' | 'corrupt'} */
  judge(id, received) {
    const texts = this.#texts.get(id) ?? [];
    if (texts.some(({ text }) => text === received)) return 'whole';
    if (received === '' || texts.some(({ text }) => text.startsWith(received))) return 'beginning';
    return 'corrupt';
  }
}
