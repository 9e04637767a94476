import type { BackgroundOptions } from '../config/index.js';
import type { ProofNotes } from './proof-notes.js';

/** What is kept for the one cannot be had by the other. */
export function checkBackground(
  { backgroundShare, interactiveShare }: BackgroundOptions,
  notes: ProofNotes,
): void {
  if (backgroundShare + interactiveShare <= 1 + 1e-9) return;
  notes.error(
    'background.interactiveShare',
    `is ${interactiveShare}, beside a \`backgroundShare\` of ${backgroundShare}: together more than 1`,
  );
}
