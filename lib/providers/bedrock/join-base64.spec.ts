import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { joinBase64 } from './join-base64.js';

describe('joinBase64', () => {
  it('holds the bytes of all pieces, in order', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ minLength: 1 })), (pieces) => {
        const joined = joinBase64(pieces.map((piece) => Buffer.from(piece).toString('base64')));
        expect(joined).toBe(Buffer.concat(pieces).toString('base64'));
      }),
    );
  });

  it('leaves a lone piece, and a text cut anywhere, as it was', () => {
    expect(joinBase64(['no base64 =='])).toBe('no base64 ==');
    expect(joinBase64(['SGk', 'gdGhlcmU='])).toBe('SGkgdGhlcmU=');
  });
});
