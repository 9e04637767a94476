import type { ValidatedChatRequest } from '../chat/index.js';

const MAX_LENGTH = 300;
/** Words this short give nothing away, and redacting them would leave nothing readable. */
const SHORT_WORD = 6;
const SECRET = /(?:sk|pk|key|token|bearer|AIza|org|proj|req)[-_ ]?[A-Za-z0-9_\-*.]{8,}/gi;
const WORD = /[\p{L}\p{N}_@.+-]+/gu;

function collectText(value: unknown, into: Set<string>, budget: { left: number }): void {
  if (budget.left <= 0) return;
  if (typeof value === 'string') {
    budget.left -= value.length;
    for (const [word] of value.slice(0, 1_000_000).matchAll(WORD)) into.add(word.toLowerCase());
  } else if (Array.isArray(value)) {
    for (const entry of value) collectText(entry, into, budget);
  } else if (typeof value === 'object' && value !== null) {
    for (const entry of Object.values(value)) collectText(entry, into, budget);
  }
}

/**
 * A provider's sentence made fit to be shown: key-like words are taken out, and so is every word of some length or
 * with a digit in it that also stands in the prompt. What remains is the provider's own wording.
 */
export function redactProviderMessage(message: string, request: ValidatedChatRequest): string {
  const promptWords = new Set<string>();
  const budget = { left: 2_000_000 };
  collectText(
    [request.messages, request.tools, request.user, request.metadata, request.response_format],
    promptWords,
    budget,
  );
  // Too large to be compared whole: better no sentence than a leak.
  if (budget.left <= 0) return 'The provider refused the request.';
  return message
    .slice(0, 2_000)
    .replace(SECRET, '[redacted]')
    .replace(WORD, (word) =>
      (word.length >= SHORT_WORD || /\d/.test(word)) && promptWords.has(word.toLowerCase())
        ? '[redacted]'
        : word,
    )
    .replace(/(?:\[redacted\][\s,;:'"]*){2,}/g, '[redacted] ')
    .slice(0, MAX_LENGTH);
}
