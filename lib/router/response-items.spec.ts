import type { Response } from 'openai/resources/responses/responses';
import { describe, expect, it } from 'vitest';
import { ResponseItems } from './response-items.js';

const OPTIONS = { maxEntries: 10, maxBytes: 100_000, ttlMs: 60_000 };
const message = (id: string) => ({ id, type: 'message', role: 'assistant', content: [] });
const responseOf = (...output: object[]): Response => ({ output }) as unknown as Response;

describe('ResponseItems', () => {
  it('gives items back to the tenant they were said to, and to nobody else', () => {
    const items = new ResponseItems(OPTIONS);
    items.remember('a', responseOf(message('msg_1'), { id: 'fc_1', type: 'function_call' }), {});
    expect(items.recallFor('a')('msg_1')).toEqual(message('msg_1'));
    expect(items.recallFor('a')('fc_1')).toEqual({ id: 'fc_1', type: 'function_call' });
    expect(items.recallFor('b')('msg_1')).toBeUndefined();
    expect(items.recallFor('')('msg_1')).toBeUndefined();
  });

  it('keeps nothing of a request that forbids it, and no thinking', () => {
    const items = new ResponseItems(OPTIONS);
    items.remember('a', responseOf(message('msg_1')), { store: false });
    items.remember('a', responseOf({ id: 'rs_1', type: 'reasoning', summary: [] }), { store: true });
    expect(items.recallFor('a')('msg_1')).toBeUndefined();
    expect(items.recallFor('a')('rs_1')).toBeUndefined();
  });

  it('is bounded', () => {
    const items = new ResponseItems(OPTIONS);
    for (let count = 0; count < 50; count += 1) items.remember('a', responseOf(message(`m${count}`)), {});
    const known = Array.from({ length: 50 }, (_, count) => items.recallFor('a')(`m${count}`) !== undefined);
    expect(known.filter(Boolean)).toHaveLength(10);
    expect(known.at(-1)).toBe(true);
  });
});
