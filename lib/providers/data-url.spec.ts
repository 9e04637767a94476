import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quickestMs } from '../../test/support/quickest.js';
import { InvalidRequestError } from '../errors/invalid-request-error.js';
import { readBase64, readDataUrl } from './data-url.js';
import { readImageSource } from './image-source.js';

describe('readBase64', () => {
  it('gives back the same bytes, whichever way they were written', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 80 }), (bytes) => {
        const buffer = Buffer.from(bytes);
        const base64 = buffer.toString('base64');
        const lines = base64.replaceAll(/(.{5})/g, '$1\r\n');
        const spellings = [
          base64,
          base64.replace(/=+$/, ''),
          buffer.toString('base64url'),
          lines,
          encodeURIComponent(base64),
        ];
        for (const spelling of spellings) expect(readBase64(spelling, 'x')).toBe(base64);
      }),
    );
  });

  it.each(['', '=', '====', 'A', 'AB=C', 'AAAA=AAA', 'Ä', '{"a":1}', 'AAAAA'])('refuses %j', (text) => {
    expect(() => readBase64(text, 'messages[0].content[1]')).toThrow(InvalidRequestError);
  });

  it('is done in no time with what is made to be slow', () => {
    const refuseAll = (): void => {
      for (const text of ['='.repeat(1e6) + 'x', ' '.repeat(1e6) + '!', `${'A'.repeat(1e6)}!`]) {
        expect(() => readBase64(text, 'x')).toThrow(InvalidRequestError);
      }
      for (const url of [`data:${';'.repeat(9e6)},AAAA`, `data:;base64,${' '.repeat(9e6)}`]) {
        expect(() => readDataUrl(url, 'x')).toThrow(InvalidRequestError);
      }
    };
    expect(quickestMs(500, refuseAll)).toBeLessThan(500);
  });
});

describe('readDataUrl', () => {
  it('leaves other URLs to others', () => {
    expect(readDataUrl('https://example.com/a.png', 'x')).toBeUndefined();
  });

  it.each([
    ['data:image/png;base64,AAAA', { mediaType: 'image/png', base64: 'AAAA' }],
    ['DATA:Image/PNG; charset=x ;BASE64,AAAA', { mediaType: 'image/png', base64: 'AAAA' }],
    ['data:,a%20b', { mediaType: 'text/plain', base64: 'YSBi' }],
  ])('reads %s', (url, expected) => {
    expect(readDataUrl(url, 'x')).toEqual(expected);
  });
});

describe('readImageSource', () => {
  const url = (type: string, bytes: string): string =>
    `data:${type};base64,${Buffer.from(bytes, 'latin1').toString('base64')}`;

  it.each([
    ['image/png', '\xff\xd8\xff\xe0 and so on', 'image/jpeg'],
    ['application/octet-stream', '\x89PNG\r\n\x1a\n', 'image/png'],
    ['image/jpeg', 'RIFF\x01\x02\x03\x04WEBPVP8 ', 'image/webp'],
    ['image/jpeg', 'GIF89a', 'image/gif'],
    ['image/jpg', 'who knows', 'image/jpeg'],
    ['image/heic', 'who knows', 'image/heic'],
  ])('believes the bytes before %s', (type, bytes, mediaType) => {
    expect(readImageSource(url(type, bytes), 'x')).toMatchObject({ kind: 'data', mediaType });
  });

  it.each(['ftp://example.com/a.png', 'javascript:alert(1)', 'a.png', url('text/html', '<p>')])(
    'refuses %s',
    (address) => {
      expect(() => readImageSource(address, 'x')).toThrow(InvalidRequestError);
    },
  );
});
