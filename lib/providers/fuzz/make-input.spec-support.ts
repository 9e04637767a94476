import type { WireEvent } from '../provider-adapter.js';
import { mutateBytes, shapedBytes } from './mutate-bytes.spec-support.js';
import type { Random } from './random.spec-support.js';
import type { Seeds, Wire } from './seeds.spec-support.js';
import { CANARY, mutateJson, nestedText, strangeValue, toText } from './strange-json.spec-support.js';
import type { Subject } from './subjects.spec-support.js';

const encoder = new TextEncoder();
const WIRES: readonly Wire[] = ['openai', 'anthropic', 'gemini', 'bedrock'];
/** One case in so many is large: they take as long as all the others. */
const LARGE_ONE_IN = 2000;

export function makeStream(random: Random, seeds: Seeds, subject: Subject): Uint8Array {
  if (random.below(LARGE_ONE_IN) === 0) return makeLargeStream(random, seeds, subject);
  const shape = random.below(20);
  if (shape === 0) return random.bytes(random.mostlySmall(2000));
  if (shape === 1) return shapedBytes(random, random.below(200));
  if (shape < 5) return subject.frame(random, strangeEvents(random));
  // Another wire's stream now and then: a base URL that is not what its configuration says.
  const wire = random.chance(0.03) ? random.pick(WIRES) : subject.wire;
  const events = mutateEvents(random, random.pick(seeds.wires[wire].streams), seeds, wire);
  const bytes = subject.frame(random, events);
  return random.chance(0.5) ? bytes : mutateBytes(random, bytes, subject.frame(random, random.pick(seeds.wires[wire].streams)));
}

function strangeEvents(random: Random): WireEvent[] {
  return Array.from({ length: random.below(8) }, () => ({
    event: random.pick([undefined, 'message', 'error', 'messageStop', 'contentBlockDelta', 'metadata', ':exception']),
    data: toText(strangeValue(random, 5)) ?? '',
  }));
}

function mutateEvents(random: Random, seed: readonly WireEvent[], seeds: Seeds, wire: Wire): WireEvent[] {
  let events = [...seed];
  for (let times = random.mostlySmall(5); times > 0; times -= 1) {
    const at = random.below(events.length + 1);
    const event = events[at];
    switch (random.below(8)) {
      case 0:
        events = events.slice(0, at);
        break;
      case 1:
        events.splice(at, 1 + random.mostlySmall(5));
        break;
      case 2:
        if (event !== undefined) events.splice(at, 0, ...Array.from({ length: 1 + random.mostlySmall(50) }, () => event));
        break;
      case 3:
        events = [...events.slice(0, at), ...random.pick(seeds.wires[wire].streams).slice(random.below(10))];
        break;
      case 4:
        events.splice(at, 0, ...events.splice(random.below(events.length + 1), 1 + random.below(3)));
        break;
      default:
        if (event !== undefined) events[at] = { ...event, data: mutateJson(random, event.data) };
    }
  }
  return events;
}

function makeLargeStream(random: Random, seeds: Seeds, subject: Subject): Uint8Array {
  const seed = random.pick(seeds.wires[subject.wire].streams);
  const at = random.below(seed.length);
  const event = seed[at] ?? { data: '{}' };
  switch (random.below(6)) {
    case 0: {
      const deep = nestedText(random, 10 ** (2 + random.below(4)));
      const data = event.data.replace(/(?<=:)(?:null|"[^"]*"|\d+)/, () => deep);
      return subject.frame(random, [...seed.slice(0, at), { ...event, data }, ...seed.slice(at + 1)]);
    }
    case 1: {
      const long = 'x'.repeat(10 ** (4 + random.below(3)));
      const data = event.data.replace(/(?<=:\s?")[^"]*(?=")/, () => long);
      return subject.frame(random, [...seed.slice(0, at), { ...event, data }, ...seed.slice(at + 1)]);
    }
    case 2:
      return subject.frame(random, [...seed.slice(0, at), ...Array.from({ length: 5000 }, () => event), ...seed.slice(at)]);
    case 3: {
      // One list with very many entries.
      const data = event.data.replace(/\[(\{(?:[^{}]|\{[^{}]*\})*\})\]/, (_whole, entry: string) => `[${`${entry},`.repeat(2000)}${entry}]`);
      return subject.frame(random, [...seed.slice(0, at), { ...event, data }, ...seed.slice(at + 1)]);
    }
    case 4:
      return encoder.encode(random.pick(['\n', '\r', '\r\n', ':\n', 'a\n', 'data:\n', 'data:\n\n', 'data']).repeat(20_000) + random.pick(['', '\r', '!']));
    default:
      return encoder.encode(`data: ${`${random.pick(['{', '[', '"\\', '{"a":'])}`.repeat(50_000)}\n\n`);
  }
}

export function makeAnswer(random: Random, texts: readonly string[], others: readonly string[]): Uint8Array {
  const large = random.below(LARGE_ONE_IN) === 0;
  if (large) return encoder.encode(makeLargeText(random, texts));
  const shape = random.below(20);
  if (shape === 0) return random.bytes(random.mostlySmall(1000));
  if (shape === 1) return shapedBytes(random, random.below(100));
  if (shape < 4) return encoder.encode(toText(strangeValue(random, 6)) ?? '');
  let text = random.pick(texts);
  for (let times = random.mostlySmall(4); times > 0; times -= 1) text = mutateJson(random, text);
  const bytes = encoder.encode(text);
  return random.chance(0.8) ? bytes : mutateBytes(random, bytes, encoder.encode(random.pick(others)));
}

function makeLargeText(random: Random, texts: readonly string[]): string {
  const text = random.pick(texts);
  switch (random.below(4)) {
    case 0: {
      const deep = nestedText(random, 10 ** (2 + random.below(4)));
      return random.chance(0.2) ? deep : text.replace(/(?<=:)(?:null|"[^"]*"|\d+)/, () => deep);
    }
    case 1:
      return text.replace(/\[((?:[^[\]]|\[[^[\]]*\])+)\]/, (_whole, entries: string) => `[${`${entries},`.repeat(3000)}${entries}]`);
    case 2: {
      const long = `${random.pick(['x', '\\n', 'A', ' ', '/ ', 'model '])}`.repeat(200_000);
      return text.replaceAll(/(?<=:\s?")[^"]*(?=")/g, () => (random.chance(0.3) ? `${long}!` : 'x'));
    }
    default:
      return text.replaceAll(/-?\d+(?:\.\d+)?/g, () => random.pick(['1e999', '-1e999', '9'.repeat(400), '1e-999']));
  }
}

const HEADER_NAMES = ['retry-after', 'retry-after', 'retry-after-ms', 'x-ratelimit-remaining-requests', 'x-amzn-errortype', 'content-type'];

/** Every form in which a wait, an error's name or nonsense may stand in a header. */
export function makeHeaders(random: Random): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let count = random.below(4); count > 0; count -= 1) {
    headers[random.pick(HEADER_NAMES)] = random.pick([
      ...['0', '1', '2.5', '-1', '1e9', '9'.repeat(400), '99999999999999', 'NaN', 'Infinity', '', ' 7 ', '1,2'],
      ...['Fri, 31 Dec 9999 23:59:59 GMT', 'Thu, 01 Jan 1970 00:00:00 GMT', 'Wed, 99 Foo', 'soon', '２', '1s'],
      ...['ThrottlingException:http://x/', `x#${CANARY}`, CANARY, '__proto__', 'text/html', 'application/json'],
      new Date(random.below(2 ** 31) * 2000).toUTCString(),
    ]);
  }
  return headers;
}

export const STATUSES = [200, 200, 201, 204, 301, 400, 401, 402, 403, 404, 408, 409, 413, 418, 422, 424, 429, 429, 499, 500, 502, 503, 529, 599] as const;

/** The bytes as a socket may cut them. */
export function inPieces(random: Random, bytes: Uint8Array): Uint8Array[] {
  if (random.chance(0.4)) return [bytes];
  const pieces: Uint8Array[] = [];
  const size = random.pick([1, 7, 64, 1000, 16_384]);
  // Not a million pieces of one byte.
  const step = Math.max(size, Math.ceil(bytes.length / 500));
  for (let at = 0; at < bytes.length; at += step) pieces.push(bytes.subarray(at, at + step));
  return pieces;
}
