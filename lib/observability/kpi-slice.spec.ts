import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KpiCell } from './kpi-cell.js';
import { attempt, keyOf } from './kpi-records.spec-support.js';
import { BadKpiSliceError, packSlice, unpackSlice } from './kpi-slice.js';

const KEYS = [keyOf('a'), keyOf('b')] as const;

describe('a slice', () => {
  it('is read back whatever stands where a count should', () => {
    fc.assert(
      fc.property(fc.array(fc.double(), { maxLength: 8 }), fc.nat(15), (amounts, from) => {
        const cells = KEYS.map(() => new KpiCell());
        for (const [index, amount] of amounts.entries()) cells[0]?.count(from + index, amount);
        cells[1]?.addAttempt(attempt());
        const unpacked = new Map(KEYS.map((each) => [each, new KpiCell()]));
        const slice = packSlice(0, 1, new Map(KEYS.map((each, index) => [each, cells[index]!])));
        unpackSlice(slice, (each) => unpacked.get(each)!);
        for (const [index, count] of (cells[0]?.counts ?? []).entries()) {
          const expected = count > 0 ? Math.min(Math.round(count), Number.MAX_SAFE_INTEGER) : 0;
          expect(unpacked.get(KEYS[0])?.counts[index]).toBe(expected);
        }
        expect(unpacked.get(KEYS[1])?.counts).toEqual(cells[1]?.counts);
      }),
    );
  });

  it('of which bytes are missing, too many, or others, is refused or is another one, and nothing else', () => {
    const cell = new KpiCell();
    for (const durationMs of [1, 100, 40_000]) cell.addAttempt(attempt({ durationMs }));
    const slice = packSlice(0, 1, new Map([[KEYS[0], cell]]));
    const read = (bytes: Uint8Array): void => {
      unpackSlice({ ...slice, bytes }, () => new KpiCell());
    };
    read(slice.bytes);
    for (let length = 0; length < slice.bytes.length; length += 1) {
      expect(() => {
        read(slice.bytes.slice(0, length));
      }, `${length}`).toThrow(BadKpiSliceError);
    }
    expect(() => {
      read(Uint8Array.of(...slice.bytes, 0));
    }).toThrow(BadKpiSliceError);
    fc.assert(
      fc.property(fc.nat(slice.bytes.length - 1), fc.nat(255), (place, byte) => {
        const bytes = slice.bytes.slice();
        bytes[place] = byte;
        try {
          read(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(BadKpiSliceError);
        }
      }),
    );
  });
});
