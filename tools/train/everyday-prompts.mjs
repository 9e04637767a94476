// Everyday prompts of our own, written for this: what real traffic has and exams have not. One a line; `\n` in it is a new
// line.
import { readFileSync } from 'node:fs';

const read = (name) =>
  readFileSync(new URL(name, import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.replaceAll('\\n', '\n'));

/** By another author, with what people paste. */
const readMore = () =>
  readFileSync(new URL('everyday-more.jsonl', import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

/** @returns {{ prompt: string, complex: boolean }[]} */
export function readEverydayPrompts() {
  return [
    ...read('everyday-simple.txt').map((prompt) => ({ prompt, complex: false })),
    ...read('everyday-complex.txt').map((prompt) => ({ prompt, complex: true })),
    ...readMore().map(({ prompt, expected }) => ({ prompt, complex: expected === 'complex_reasoning' })),
  ];
}
