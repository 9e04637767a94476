import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NineCharacterIds } from './nine-character-ids.js';

const mapAll = (ids: readonly string[]): string[] => {
  const mapping = new NineCharacterIds(ids);
  return ids.map((id) => mapping.map(id));
};

describe('NineCharacterIds', () => {
  it('keeps what fits and gives the rest nine characters, the same every time', () => {
    const ids = ['call_abc', 'AbC123xyZ', 'toolu_01A', 'call_abc', ''];
    const mapped = mapAll(ids);
    expect(mapped[1]).toBe('AbC123xyZ');
    expect(mapped[0]).toBe(mapped[3]);
    expect(mapped).toEqual(mapAll(ids));
    expect(mapped.every((id) => /^[a-zA-Z0-9]{9}$/.test(id))).toBe(true);
    // Whatever else is in the conversation.
    expect(mapAll(['toolu_01A'])).toEqual([mapped[2]]);
  });

  it('moves out of the way of an id that fits, wherever it stands', () => {
    const [taken] = mapAll(['call_1']);
    const [mapped, kept] = mapAll(['call_1', taken!]);
    expect(kept).toBe(taken);
    expect(mapped).not.toBe(taken);
    expect(mapAll([taken!, 'call_1'])).toEqual([taken, mapped]);
  });

  it('is consistent and injective', () => {
    const id = fc.oneof(
      fc.string(),
      fc.string({ unit: 'grapheme' }),
      fc.stringMatching(/^[a-zA-Z0-9]{9}$/),
      fc.nat(30).map((number) => `call_${number}`),
      fc.nat(30).chain((number) => fc.constantFrom(...mapAll([`call_${number}`]))),
    );
    fc.assert(
      fc.property(fc.array(id, { maxLength: 60 }), (ids) => {
        const mapped = mapAll(ids);
        const forms = new Map(ids.map((each, index) => [each, mapped[index]]));
        expect(ids.map((each) => forms.get(each))).toEqual(mapped);
        expect(new Set(forms.values()).size).toBe(forms.size);
        expect(mapped.every((each) => /^[a-zA-Z0-9]{9}$/.test(each))).toBe(true);
      }),
    );
  });
});
