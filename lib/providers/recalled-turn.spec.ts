import { describe, expect, it } from 'vitest';
import type { ValidatedChatRequest } from '../chat/index.js';
import { type RecalledTurn, withRecalledTurns } from './recalled-turn.js';

const call = (id: string, extra?: object) => ({
  id,
  type: 'function' as const,
  function: { name: 'f', arguments: '{}' },
  ...extra,
});
const request: ValidatedChatRequest = {
  model: 'auto',
  messages: [
    { role: 'user', content: 'x' },
    { role: 'assistant', content: null, tool_calls: [call('a'), call('b', { extra_content: { own: 1 } })] },
    { role: 'assistant', content: 'said' },
  ],
};
const turn: RecalledTurn = {
  provider: 'one',
  reasoningContent: 'thought',
  reasoningDetails: [{ format: 'x' }],
  extraContent: { google: { thought_signature: 's' } },
  toolCallExtras: new Map([
    ['a', { google: { thought_signature: 'a' } }],
    ['b', { google: { thought_signature: 'b' } }],
  ]),
};
const turns = new Map([[1, turn]]);

describe('withRecalledTurns', () => {
  it('puts back what the client lost, and leaves what it kept', () => {
    const { messages } = withRecalledTurns(request, turns, { provider: 'two', readsOwnThinkingAlone: false });
    expect(messages).toEqual([
      request.messages[0],
      {
        role: 'assistant',
        content: null,
        reasoning_content: 'thought',
        reasoning_details: [{ format: 'x' }],
        extra_content: { google: { thought_signature: 's' } },
        tool_calls: [
          call('a', { extra_content: { google: { thought_signature: 'a' } } }),
          call('b', { extra_content: { own: 1 } }),
        ],
      },
      request.messages[2],
    ]);
    // The request itself may be sent to others.
    expect(request.messages[1]).not.toHaveProperty('reasoning_content');
  });

  it('gives one that reads its own thinking alone nothing of others', () => {
    const reader = { provider: 'two', readsOwnThinkingAlone: true };
    expect(withRecalledTurns(request, turns, reader).messages).toEqual(request.messages);
    const owner = { provider: 'one', readsOwnThinkingAlone: true };
    expect(withRecalledTurns(request, turns, owner).messages[1]).toHaveProperty(
      'reasoning_content',
      'thought',
    );
  });

  it('changes nothing where nothing is known', () => {
    expect(withRecalledTurns(request, new Map(), { provider: 'one', readsOwnThinkingAlone: false })).toBe(
      request,
    );
  });
});
