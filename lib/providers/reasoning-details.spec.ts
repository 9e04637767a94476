import { describe, expect, it } from 'vitest';
import { readReasoningDetails } from './reasoning-details.js';

const FORMAT = 'anthropic-claude-v1';
const read = (...details: unknown[]): unknown[] =>
  readReasoningDetails({ reasoning_details: details }, FORMAT).map(
    ({ format: _format, ...detail }) => detail,
  );
const piece = (more: object): object => ({ type: 'reasoning.text', format: FORMAT, ...more });

describe('readReasoningDetails', () => {
  it('puts the pieces of one block together', () => {
    expect(
      read(
        piece({ index: 0, text: 'I ' }),
        piece({ index: 0, text: 'think.', signature: '' }),
        piece({ index: 0, signature: 's' }),
      ),
    ).toEqual([{ type: 'reasoning.text', index: 0, text: 'I think.', signature: 's' }]);
  });

  it('begins another block of the same index once the last one is signed', () => {
    expect(
      read(
        piece({ index: 0, text: 'One.', signature: 'a' }),
        piece({ index: 0, text: 'Tw' }),
        piece({ index: 0, text: 'o.', signature: 'b' }),
        piece({ index: 0, text: '', signature: 'c' }),
      ),
    ).toEqual([
      { type: 'reasoning.text', index: 0, text: 'One.', signature: 'a' },
      { type: 'reasoning.text', index: 0, text: 'Two.', signature: 'b' },
      { type: 'reasoning.text', index: 0, text: '', signature: 'c' },
    ]);
  });

  it('orders blocks by their index, and leaves out what is not of this maker or cannot be read', () => {
    expect(
      read(
        piece({ index: 2, text: 'later', signature: 'b' }),
        null,
        { type: 'reasoning.text', format: 'other', index: 1, text: 'not ours' },
        { type: 'reasoning.summary', format: FORMAT, index: 1, summary: 'x' },
        { type: 'reasoning.encrypted', format: FORMAT, index: 0, data: 'd' },
      ),
    ).toEqual([
      { type: 'reasoning.encrypted', index: 0, data: 'd' },
      { type: 'reasoning.text', index: 2, text: 'later', signature: 'b' },
    ]);
    expect(readReasoningDetails({ reasoning_details: 'x' }, FORMAT)).toEqual([]);
    expect(readReasoningDetails({}, FORMAT)).toEqual([]);
  });
});
