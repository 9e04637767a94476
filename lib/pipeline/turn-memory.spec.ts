import { describe, expect, it } from 'vitest';
import type { ValidatedChatRequest } from '../chat/index.js';
import type { RecalledTurn } from '../providers/recalled-turn.js';
import { TurnCollector } from './turn-collector.js';
import { TurnMemory } from './turn-memory.js';

type Message = ValidatedChatRequest['messages'][number];

const DEFAULTS = { maxEntries: 100, maxBytes: 1_000_000, ttlMs: 1_000 };
const turnOf = (reasoningContent: string): RecalledTurn => ({ provider: 'p', reasoningContent });
const asking = (...messages: Message[]): ValidatedChatRequest => ({ model: 'auto', messages });
const user = (content: string): Message => ({ role: 'user', content });
const said = (content: string | null, ...ids: string[]): Message => ({
  role: 'assistant',
  content,
  ...(ids.length === 0
    ? {}
    : {
        tool_calls: ids.map((id) => ({
          id,
          type: 'function' as const,
          function: { name: 'f', arguments: '{}' },
        })),
      }),
});

const QUESTION = asking(user('asked'));
const CALLED = { text: '', toolCallIds: ['id'] };
const knows = (memory: TurnMemory, tenant: string, request: ValidatedChatRequest, nowMs = 1): string[] =>
  [...memory.recall(tenant, request, nowMs)].map(
    ([index, turn]) => `${index} ${turn.reasoningContent ?? ''}`,
  );

describe('TurnMemory', () => {
  it('knows a turn by what it said and what was said before it', () => {
    const memory = new TurnMemory(DEFAULTS);
    memory.remember('t', QUESTION, { text: 'both ', toolCallIds: ['a', 'b'] }, turnOf('calls'), 0);
    const later = asking(...QUESTION.messages, said('both', 'a', 'b'), {
      role: 'tool',
      tool_call_id: 'a',
      content: 'r',
    });
    memory.remember('t', later, { text: 'words', toolCallIds: [] }, turnOf('words'), 0);
    const next = asking(...later.messages, said('words'), user('more'), said('words'));
    expect(knows(memory, 't', next)).toEqual(['1 calls', '3 words']);
  });

  it('takes the same conversation for the same: trimmed, in parts, under another system message', () => {
    const memory = new TurnMemory(DEFAULTS);
    memory.remember('t', QUESTION, { text: ' one two', toolCallIds: [] }, turnOf('x'), 0);
    const parts = [
      { type: 'text' as const, text: 'one ' },
      { type: 'text' as const, text: 'two' },
    ];
    const request = asking(
      { role: 'system', content: 'It is noon.' },
      { role: 'user', content: [{ type: 'text', text: 'asked' }] },
      { role: 'assistant', content: parts },
    );
    expect(knows(memory, 't', request)).toEqual(['2 x']);
  });

  it('takes no other conversation for it, though ids and words are the same', () => {
    const memory = new TurnMemory(DEFAULTS);
    const bob = asking(user('I am Bob.'), said('Hello.'), user('Weather?'));
    memory.remember('t', bob, { text: '', toolCallIds: ['functions.weather:0'] }, turnOf('about Bob'), 0);
    memory.remember('t', bob, { text: 'Yes.', toolCallIds: [] }, turnOf('about Bob'), 0);
    for (const turn of [said(null, 'functions.weather:0'), said('Yes.')]) {
      const alice = asking(user('I am Alice.'), said('Hello.'), user('Weather?'), turn);
      expect(knows(memory, 't', alice)).toEqual([]);
      expect(knows(memory, 't', asking(...bob.messages, turn))).toEqual(['3 about Bob']);
    }
    // A word is no id, and all ids count.
    memory.remember('t', QUESTION, { text: '', toolCallIds: ['a'] }, turnOf('x'), 0);
    expect(knows(memory, 't', asking(...QUESTION.messages, said('a')))).toEqual([]);
    expect(knows(memory, 't', asking(...QUESTION.messages, said(null, 'a', 'b')))).toEqual([]);
  });

  it('keeps tenants apart, whatever they are called', () => {
    const memory = new TurnMemory(DEFAULTS);
    memory.remember('a', QUESTION, CALLED, turnOf('x'), 0);
    const request = asking(...QUESTION.messages, said(null, 'id'));
    expect(knows(memory, 'a', request)).toHaveLength(1);
    for (const tenant of ['', 'b', 'a ', 'a\u0000', '"a"'])
      expect(knows(memory, tenant, request)).toEqual([]);
  });

  it('is not changed by whoever has the answer, or gets something back', () => {
    const memory = new TurnMemory(DEFAULTS);
    const detail = { signature: 'right' };
    const turn = { provider: 'p', reasoningDetails: [detail], toolCallExtras: new Map([['id', { a: 1 }]]) };
    memory.remember('t', QUESTION, CALLED, turn, 0);
    detail.signature = 'wrong';
    const recall = (): RecalledTurn | undefined =>
      memory.recall('t', asking(...QUESTION.messages, said(null, 'id')), 1).get(1);
    (recall()!.reasoningDetails![0] as typeof detail).signature = 'wrong again';
    expect(recall()!.reasoningDetails).toEqual([{ signature: 'right' }]);
    expect(recall()!.toolCallExtras).toEqual(new Map([['id', { a: 1 }]]));
  });

  it('forgets after its time', () => {
    const memory = new TurnMemory(DEFAULTS);
    memory.remember('t', QUESTION, CALLED, turnOf('x'), 0);
    const request = asking(...QUESTION.messages, said(null, 'id'));
    expect(knows(memory, 't', request, 999)).toHaveLength(1);
    expect(knows(memory, 't', request, 1_000)).toEqual([]);
    expect([memory.size, memory.bytes]).toEqual([0, 0]);
  });

  it('lets the least lately used go first', () => {
    const memory = new TurnMemory({ ...DEFAULTS, maxEntries: 2 });
    const remember = (id: string): void => {
      memory.remember('t', QUESTION, { text: '', toolCallIds: [id] }, turnOf(id), 0);
    };
    const isKnown = (id: string): boolean =>
      knows(memory, 't', asking(...QUESTION.messages, said(null, id))).length === 1;
    remember('a');
    remember('b');
    expect(isKnown('a')).toBe(true);
    remember('c');
    expect([isKnown('a'), isKnown('b'), isKnown('c')]).toEqual([true, false, true]);
  });

  it('takes other bounds, and lets go of what is over them', () => {
    const memory = new TurnMemory(DEFAULTS);
    for (const id of ['a', 'b', 'c']) {
      memory.remember('t', QUESTION, { text: '', toolCallIds: [id] }, turnOf(id), 0);
    }
    const isKnown = (id: string, nowMs = 0): boolean =>
      memory.recall('t', asking(...QUESTION.messages, said(null, id)), nowMs).size === 1;
    memory.resize({ ...DEFAULTS, maxEntries: 2 });
    expect([isKnown('a'), isKnown('b'), isKnown('c')]).toEqual([false, true, true]);
    // What is kept is kept no longer than is said now.
    memory.resize({ ...DEFAULTS, ttlMs: 10 });
    expect([isKnown('b', 9), isKnown('b', 10)]).toEqual([true, false]);
    memory.resize({ ...DEFAULTS, maxBytes: 0 });
    expect([memory.size, memory.bytes]).toEqual([0, 0]);
  });

  it('never holds more bytes than it may, whatever comes', () => {
    const maxBytes = 20_000;
    const memory = new TurnMemory({ ...DEFAULTS, maxBytes, maxEntries: 1_000 });
    for (let count = 0; count < 500; count += 1) {
      const turn = turnOf('x'.repeat((count * 7_919) % 3_000));
      memory.remember('t', QUESTION, { text: '', toolCallIds: [`id${count % 90}`] }, turn, 0);
      expect(memory.bytes).toBeLessThanOrEqual(maxBytes);
    }
    expect(memory.size).toBeGreaterThan(2);
    // What is too large for it does not throw out all the rest.
    const { size } = memory;
    memory.remember('t', QUESTION, CALLED, turnOf('x'.repeat(maxBytes)), 0);
    expect(memory.size).toBe(size);
  });
});

describe('TurnCollector', () => {
  it('puts the pieces of one block together, in no time', () => {
    const collector = new TurnCollector();
    const piece = { type: 'reasoning.text', format: 'f', index: 0, text: 'ab' };
    const startedAt = performance.now();
    for (let count = 0; count < 50_000; count += 1) collector.take({ reasoning_details: [piece] });
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    collector.take({ reasoning_details: [{ ...piece, text: '', signature: 's' }] });
    collector.take({ reasoning_details: [{ ...piece, text: 'next', signature: 't' }] });
    expect(collector.result('p')?.turn.reasoningDetails).toEqual([
      { ...piece, text: 'ab'.repeat(50_000), signature: 's' },
      { ...piece, text: 'next', signature: 't' },
    ]);
  });

  it.each(['text', 7, {}, [null, 'x', 3], null])('takes anything for details: %j', (details) => {
    const collector = new TurnCollector();
    collector.take({ content: 'x', reasoning_details: details as never });
    expect(collector.result('p')).toBeUndefined();
  });
});
