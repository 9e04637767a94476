// What others rank prompts by, for the bench.

/** Words a keyword scorer in the manner of LiteLLM's looks for, with what each kind of them adds. Written for this bench. */
const KINDS = [
  {
    weight: 0.3,
    cap: 3,
    words: [
      'function',
      'class',
      'def',
      'import',
      'api',
      'database',
      'algorithm',
      'code',
      'python',
      'javascript',
      'sql',
      'debug',
      'implement',
      'compile',
      'regex',
    ],
  },
  {
    weight: 0.35,
    cap: 2,
    words: [
      'step by step',
      'think through',
      'reason',
      'analyze',
      'explain why',
      'prove',
      'derive',
      'compare',
      'evaluate',
      'trade-off',
      'pros and cons',
    ],
  },
  {
    weight: 0.25,
    cap: 3,
    words: [
      'architecture',
      'distributed',
      'encryption',
      'kubernetes',
      'theorem',
      'integral',
      'quantum',
      'statistical',
      'protocol',
      'latency',
    ],
  },
  {
    weight: -0.3,
    cap: 2,
    words: ['what is', 'who is', 'define', 'hello', 'hi', 'thanks', 'translate', 'when was', 'capital of'],
  },
];

const escape = (word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const patterns = KINDS.map(({ words, ...kind }) => ({
  ...kind,
  pattern: new RegExp(`\\b(?:${words.map(escape).join('|')})\\b`, 'gi'),
}));

export function keywordScore(prompt) {
  let score = 0;
  // Tokens count at both ends only.
  const tokens = prompt.length / 4;
  if (tokens < 15) score -= 0.3;
  if (tokens > 400) score += 0.3;
  for (const { pattern, weight, cap } of patterns) {
    score += weight * Math.min(cap, [...prompt.matchAll(pattern)].length);
  }
  if ((prompt.match(/\?/g) ?? []).length > 3) score += 0.2;
  return score;
}
