import { describe, expect, it } from 'vitest';
import { currentLlmContext, runWithLlmContext } from './llm-context-storage.js';

describe('the context of a request', () => {
  it('is empty outside any', () => {
    expect(currentLlmContext()).toEqual({});
  });

  it('lays a context over the one already there: what it leaves out, or gives as undefined, stays', () => {
    runWithLlmContext({ surface: 'support', tenant: 'acme', deadlineMs: 5 }, () => {
      runWithLlmContext({ surface: 'legal', tenant: undefined }, () => {
        expect(currentLlmContext()).toEqual({ surface: 'legal', tenant: 'acme', deadlineMs: 5 });
      });
      expect(currentLlmContext().surface).toBe('support');
    });
    expect(currentLlmContext()).toEqual({});
  });

  it('follows asynchronous work and keeps concurrent requests apart', async () => {
    const surfaceLater = async (surface: string): Promise<string | undefined> =>
      runWithLlmContext({ surface }, async () => {
        await Promise.resolve();
        await new Promise(setImmediate);
        return currentLlmContext().surface;
      });
    const names = Array.from({ length: 20 }, (_, index) => `surface-${index}`);
    expect(await Promise.all(names.map(surfaceLater))).toEqual(names);
  });

  it('gives the result of the callback and lets its error through', () => {
    expect(runWithLlmContext({}, () => 7)).toBe(7);
    expect(() =>
      runWithLlmContext({ surface: 'x' }, () => {
        throw new RangeError('mine');
      }),
    ).toThrow(RangeError);
    expect(currentLlmContext()).toEqual({});
  });
});
