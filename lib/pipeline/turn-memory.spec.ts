import { describe, expect, it } from 'vitest';
import type { ValidatedChatRequest } from '../chat/index.js';
import type { RecalledTurn } from '../providers/recalled-turn.js';
import { TurnMemory } from './turn-memory.js';

const DEFAULTS = { maxEntries: 100, maxBytes: 1_000_000, ttlMs: 1_000 };
const turnOf = (reasoningContent: string): RecalledTurn => ({ provider: 'p', reasoningContent });
const call = (id: string) => ({
  id,
  type: 'function' as const,
  function: { name: 'f', arguments: '{}' },
});

function history(...turns: { text?: string; ids?: string[] }[]): ValidatedChatRequest {
  return {
    model: 'auto',
    messages: turns.map(({ text, ids }) => ({
      role: 'assistant',
      content: text ?? null,
      ...(ids === undefined ? {} : { tool_calls: ids.map(call) }),
    })),
  };
}

describe('TurnMemory', () => {
  it('knows a turn by the ids of its calls, or by its words where it has none', () => {
    const memory = new TurnMemory(DEFAULTS);
    memory.remember('t', { text: 'said', toolCallIds: ['a', 'b'] }, turnOf('calls'), 0);
    memory.remember('t', { text: ' said ', toolCallIds: [] }, turnOf('words'), 0);
    const turns = memory.recall(
      't',
      history({ text: 'said', ids: ['a', 'b'] }, { text: 'said' }, { text: 'other' }),
      1,
    );
    expect([...turns].map(([index, turn]) => [index, turn.reasoningContent])).toEqual([
      [0, 'calls'],
      [1, 'words'],
    ]);
  });

  it('takes words in parts for the same words', () => {
    const memory = new TurnMemory(DEFAULTS);
    memory.remember('t', { text: 'one two', toolCallIds: [] }, turnOf('x'), 0);
    const request = history({ text: '' });
    const parts = [
      { type: 'text' as const, text: 'one ' },
      { type: 'text' as const, text: 'two' },
    ];
    expect(
      memory.recall('t', { ...request, messages: [{ role: 'assistant', content: parts }] }, 1).size,
    ).toBe(1);
  });

  it('keeps tenants apart, whatever they are called', () => {
    const memory = new TurnMemory(DEFAULTS);
    memory.remember('a', { text: '', toolCallIds: ['id'] }, turnOf('x'), 0);
    for (const tenant of ['', 'b', 'a ', 'a\u0000']) {
      expect(memory.recall(tenant, history({ ids: ['id'] }), 1).size).toBe(0);
    }
    // A word is no id.
    expect(memory.recall('a', history({ text: 'id' }), 1).size).toBe(0);
  });

  it('forgets after its time', () => {
    const memory = new TurnMemory(DEFAULTS);
    memory.remember('t', { text: '', toolCallIds: ['id'] }, turnOf('x'), 0);
    expect(memory.recall('t', history({ ids: ['id'] }), 999).size).toBe(1);
    expect(memory.recall('t', history({ ids: ['id'] }), 1_000).size).toBe(0);
    expect([memory.size, memory.bytes]).toEqual([0, 0]);
  });

  it('lets the least lately used go first, by count and by bytes', () => {
    const memory = new TurnMemory({ ...DEFAULTS, maxEntries: 2 });
    const remember = (id: string): void => {
      memory.remember('t', { text: '', toolCallIds: [id] }, turnOf(id), 0);
    };
    const knows = (id: string): boolean => memory.recall('t', history({ ids: [id] }), 1).size === 1;
    remember('a');
    remember('b');
    expect(knows('a')).toBe(true);
    remember('c');
    expect([knows('a'), knows('b'), knows('c')]).toEqual([true, false, true]);
  });

  it('never holds more bytes than it may, whatever comes', () => {
    const maxBytes = 20_000;
    const memory = new TurnMemory({ ...DEFAULTS, maxBytes, maxEntries: 1_000 });
    for (let count = 0; count < 500; count += 1) {
      const size = (count * 7_919) % 3_000;
      memory.remember('t', { text: '', toolCallIds: [`id${count % 90}`] }, turnOf('x'.repeat(size)), 0);
      expect(memory.bytes).toBeLessThanOrEqual(maxBytes);
    }
    expect(memory.size).toBeGreaterThan(2);
    // What is too large for it does not throw out all the rest.
    const { size } = memory;
    memory.remember('t', { text: '', toolCallIds: ['huge'] }, turnOf('x'.repeat(maxBytes)), 0);
    expect(memory.size).toBe(size);
  });
});
