import { describe, expect, it } from 'vitest';
import { checkRuleNames } from './check-rule-names.js';
import { ProofNotes } from './proof-notes.js';

describe('checkRuleNames', () => {
  it.each(['embeddings', 'classification', 'health_probe'])(
    'keeps "%s" for what the router counts itself',
    (name) => {
      const notes = new ProofNotes();
      checkRuleNames(['simple_queries', 'complex_reasoning', name], notes);
      expect(notes.errors).toEqual([
        {
          path: `routingRules.${name}`,
          message: expect.stringContaining('are counted under: give the rule another name') as string,
        },
      ]);
    },
  );

  it('takes any other name', () => {
    const notes = new ProofNotes();
    checkRuleNames(['simple_queries', 'complex_reasoning', 'legal_review'], notes);
    expect(notes.errors).toEqual([]);
  });
});
