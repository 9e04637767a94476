import { describe, expect, it } from 'vitest';
import type { ProviderApi } from '../adapter-registry.js';
import type { WireEvent } from '../provider-adapter.js';
import { scopeOf, streamsOf } from './recordings.spec-support.js';
import type { ConformanceReport } from './report.spec-support.js';
import { readEvents, translate, type Translated } from './translate.spec-support.js';

/** Streams up to this size are cut at every byte. */
const LONG_BYTES = 20_000;
/** Of a longer stream; and of every stream as a whole, from its first byte to its last. */
const RANDOM_CUTS = 500;
const WHOLE_CUTS = 50;
/** So many of those are translated to the end; for the others it is enough that their events are the same. */
const TRANSLATED_CUTS = 8;

/** The same stream in other framings that server-sent events allow. */
const FRAMINGS: Readonly<Record<string, (stream: string) => string>> = {
  'line feeds': (stream) => stream.replaceAll(/\r\n?/g, '\n'),
  'carriage returns and line feeds': (stream) => stream.replaceAll(/\r\n?|\n/g, '\r\n'),
  'carriage returns': (stream) => stream.replaceAll(/\r\n?|\n/g, '\r'),
  comments: (stream) => `: hello\n\n${stream.replaceAll(/\r\n?|\n/g, '\n: keep-alive\n')}`,
  'no final blank line': (stream) => stream.trimEnd(),
  'no space after the colon': (stream) => stream.replaceAll(/^data: /gm, 'data:'),
  'a byte order mark': (stream) => `\uFEFF${stream}`,
  'data in several lines': (stream) =>
    stream.replaceAll(/^data: ?(\{.*\})\r?$/gm, (line: string, json: string) => inLines(json) ?? line),
  'fields nobody knows': (stream) => stream.replaceAll(/^data:/gm, 'id: 7\nretry: 9\nnonsense\ndata:'),
};

function inLines(json: string): string | undefined {
  try {
    return JSON.stringify(JSON.parse(json), undefined, 1).replaceAll(/^/gm, 'data: ');
  } catch {
    return undefined;
  }
}

/** However the bytes of a stream arrive, the same chunks come out. */
export function describeCuts(report: ConformanceReport): void {
  const streams = report.inScope.flatMap((recording) =>
    streamsOf(recording).map((stream, turn) => ({ id: recording.id, turn, recording, stream })),
  );

  describe('cuts', () => {
    it.each(streams)('$id, turn $turn', ({ recording, stream }) => {
      const { api } = scopeOf(recording)!;
      const bytes = new TextEncoder().encode(stream);
      const events = readEvents([bytes]);
      const chunks = written(translate(api, events));
      const everyFew = Math.ceil(WHOLE_CUTS / TRANSLATED_CUTS);
      someOf(bytes.length, WHOLE_CUTS).forEach((offset, position) => {
        const cut = readEvents([bytes.subarray(0, offset), bytes.subarray(offset)]);
        if (!areSame(cut, events)) expect.fail(`cut at byte ${offset}, other events come out`);
        if (position % everyFew === 0) expect(written(translate(api, cut))).toBe(chunks);
      });
      // After a blank line nothing is left of what came before it: to read on from there is to read the whole stream.
      const starts = [0, ...eventEnds(bytes)];
      const spans = starts.map((start, index) => bytes.subarray(start, starts[index + 1]));
      expect(spans.flatMap((span) => readEvents([span]))).toEqual(events);
      const wanted = new Set(offsetsOf(bytes));
      starts.forEach((start, index) => {
        // An event, and the one that follows it.
        const rest = bytes.subarray(start, starts[index + 2]);
        const whole = readEvents([rest]);
        const length = (spans[index] ?? rest).length;
        for (let at = 0; at < length; at += 1) {
          if (!wanted.has(start + at)) continue;
          const cut = readEvents([rest.subarray(0, at), rest.subarray(at)]);
          if (!areSame(cut, whole)) expect.fail(`cut at byte ${start + at}, other events come out`);
        }
      });
      // Byte by byte: every character of more than one byte comes in pieces.
      const single = readEvents(Array.from(bytes, (_byte, offset) => bytes.subarray(offset, offset + 1)));
      expect(written(translate(api, single))).toBe(chunks);
      for (const [name, frame] of Object.entries(FRAMINGS)) {
        expect(written(translateFramed(api, frame(stream))), name).toBe(chunks);
      }
      report.pass(recording, 'cuts');
    });
  });
}

/** In pieces of a few bytes, so that line ends of two characters are cut too. */
function translateFramed(api: ProviderApi, stream: string): Translated {
  const bytes = new TextEncoder().encode(stream);
  const pieces = Array.from({ length: Math.ceil(bytes.length / 7) }, (_none, piece) =>
    bytes.subarray(piece * 7, piece * 7 + 7),
  );
  return translate(api, readEvents(pieces));
}

function areSame(some: readonly WireEvent[], others: readonly WireEvent[]): boolean {
  return (
    some.length === others.length &&
    some.every(({ event, data }, index) => data === others[index]?.data && event === others[index].event)
  );
}

function offsetsOf(bytes: Uint8Array): number[] {
  if (bytes.length <= LONG_BYTES) return Array.from(bytes, (_byte, offset) => offset);
  return someOf(bytes.length, RANDOM_CUTS);
}

/** The same ones every time. */
function someOf(length: number, count: number): number[] {
  let state = length;
  return Array.from({ length: count }, () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state % length;
  });
}

/** Where blank lines have ended an event, that of the last one apart. */
function eventEnds(bytes: Uint8Array): number[] {
  const text = Buffer.from(bytes).toString('latin1');
  return [...text.matchAll(/(?:\r\n|\n|\r(?!\n)){2,}/g)]
    .map((found) => found.index + found[0].length)
    .filter((end) => end < bytes.length);
}

/** Made-up ids and times differ between two runs; everything else must not. */
function written({ chunks, error }: Translated): string {
  return JSON.stringify([chunks, error])
    .replaceAll(/call_[0-9a-f]{24}/g, 'call')
    .replaceAll(/chatcmpl-[0-9a-f]{32}/g, 'chatcmpl')
    .replaceAll(/"created":\d+/g, '"created":0');
}
