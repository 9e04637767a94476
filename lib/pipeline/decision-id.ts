import { randomUUID } from 'node:crypto';

/** Random: a decision's id must not be guessed from another's. */
export function createDecisionId(): string {
  return `dec_${randomUUID().replaceAll('-', '')}`;
}
