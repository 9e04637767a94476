import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { WireEvent } from '../provider-adapter.js';
import { handmadeParts, handmadeSeeds } from './handmade-seeds.spec-support.js';

/** What the adapters' wires have in common under several names. */
export type Wire = 'openai' | 'anthropic' | 'gemini' | 'bedrock';

export interface WireSeeds {
  readonly streams: readonly (readonly WireEvent[])[];
  /** JSON texts of whole answers. */
  readonly answers: readonly string[];
  /** Bodies of answers that are no success. */
  readonly failures: readonly string[];
  readonly embeddings: readonly string[];
}

export interface Seeds {
  readonly wires: Readonly<Record<Wire, WireSeeds>>;
  /** Streams of AI SDK models, part by part. */
  readonly parts: readonly (readonly unknown[])[];
  /** Recordings among them. */
  readonly recordingCount: number;
}

interface Recording {
  readonly api: string;
  readonly status: number;
  readonly body?: unknown;
  readonly sse_raw?: string;
}

/** More of a recording is only more of the same, and takes its time a million times. */
const MAX_HEAD_EVENTS = 24;
const MAX_TAIL_EVENTS = 4;
const MAX_BODY_CHARACTERS = 16_000;

const WIRE_OF_API: Readonly<Record<string, Wire>> = {
  chat: 'openai',
  messages: 'anthropic',
  generateContent: 'gemini',
  converse: 'bedrock',
};

/** What the cases are made of: recordings of the folder where it is there, and streams and answers written by hand. */
export function loadSeeds(fixtures: string): Seeds {
  const wires = structuredClone(handmadeSeeds) as Record<Wire, { -readonly [Name in keyof WireSeeds]: WireSeeds[Name][number][] }>;
  const recordings = readRecordings(fixtures);
  for (const recording of recordings) {
    const text = recording.body === undefined ? undefined : JSON.stringify(recording.body);
    const isShort = text !== undefined && text.length <= MAX_BODY_CHARACTERS;
    if (recording.api === 'embeddings' && isShort) {
      wires[text.includes('"values"') ? 'gemini' : 'openai'].embeddings.push(text);
    }
    const wire = WIRE_OF_API[recording.api];
    if (wire === undefined) continue;
    if (recording.sse_raw !== undefined) wires[wire].streams.push(eventsOf(recording.sse_raw));
    else if (isShort) wires[wire][recording.status < 300 ? 'answers' : 'failures'].push(text);
  }
  return { wires, parts: handmadeParts, recordingCount: recordings.length };
}

function readRecordings(fixtures: string): Recording[] {
  if (!existsSync(fixtures)) return [];
  return readdirSync(fixtures, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => JSON.parse(readFileSync(`${fixtures}/${name}`, 'utf8')) as Recording);
}

function eventsOf(stream: string): WireEvent[] {
  const events = stream
    .split(/\r?\n\r?\n/)
    .map((block) => {
      const fields = block.split(/\r?\n/).map((line) => /^(\w+): ?(.*)$/.exec(line) ?? []);
      const event = fields.find(([, name]) => name === 'event')?.[2];
      const data = fields.flatMap(([, name, value]) => (name === 'data' ? [value ?? ''] : [])).join('\n');
      return { ...(event === undefined ? {} : { event }), data };
    })
    .filter(({ data }) => data !== '');
  return events.length <= MAX_HEAD_EVENTS + MAX_TAIL_EVENTS
    ? events
    : [...events.slice(0, MAX_HEAD_EVENTS), ...events.slice(-MAX_TAIL_EVENTS)];
}
