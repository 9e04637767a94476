import { describe, expect, it } from 'vitest';
import { ProviderError } from '../errors/provider-error.js';
import type { WireEvent } from './provider-adapter.js';
import { ServerSentEventReader } from './server-sent-event-reader.js';

function read(text: string, size = text.length): WireEvent[] {
  const events: WireEvent[] = [];
  const reader = new ServerSentEventReader((event) => events.push(event));
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) reader.feed(bytes.subarray(at, at + size));
  reader.end();
  return events;
}

const event = (data: string, name?: string): WireEvent => ({ event: name, data });

describe('ServerSentEventReader', () => {
  it.each([
    ['events with and without a name', 'event: a\ndata: 1\n\ndata:2\n\n', [event('1', 'a'), event('2')]],
    [
      'lines that end in any way',
      'data: 1\r\n\r\ndata: 2\r\rdata: 3\n\n',
      [event('1'), event('2'), event('3')],
    ],
    ['data in several lines', 'data: 1\ndata\ndata:  2\n\n', [event('1\n\n 2')]],
    ['comments and fields that say nothing', ': hi\nid: 7\nretry: 9\nnonsense\ndata: 1\n\n', [event('1')]],
    ['a name without data as nothing', 'event: a\n\ndata: 1\n\n', [event('1')]],
    ['a name that was taken back', 'event: a\nevent:\ndata: 1\n\n', [event('1')]],
    ['a byte order mark', '\uFEFFdata: 1\n\n', [event('1')]],
    ['characters of several bytes', 'data: é😀\n\n', [event('é😀')]],
    ['a last event without its end', 'data: 1\n\ndata: 2', [event('1'), event('2')]],
    ['an empty body', '', []],
  ])('reads %s, however it is cut', (_name, text, expected) => {
    const size = Math.max(1, text.length);
    for (const piece of [size, 1, 2, 3]) expect(read(text, piece)).toEqual(expected);
  });

  it('hands on an object that stands in the stream without a field', () => {
    expect(read('data: 1\n\n{"error":{"code":500}}\n')).toEqual([
      event('1'),
      { data: '{"error":{"code":500}}' },
    ]);
  });

  it.each(['ata: {"choices":[]}\n\n', 'data {"choices":[]}\n\n', '\u0000data: {"choices":[]}\n\n'])(
    'does not skip a piece of an answer whose field was lost: %j',
    (text) => {
      expect(() => read(text)).toThrow(
        expect.objectContaining({ kind: 'bad_response', providerCode: 'malformed_event' }),
      );
    },
  );

  it('takes a last event that cannot be read for a cut', () => {
    const reader = new ServerSentEventReader(({ data }) => {
      if (data === '{"half') throw new ProviderError({ kind: 'bad_response' });
    });
    reader.feed(Buffer.from('data: {}\n\ndata: {"half'));
    expect(() => {
      reader.end();
    }).toThrow(expect.objectContaining({ kind: 'stream_cut' }));
  });
});
