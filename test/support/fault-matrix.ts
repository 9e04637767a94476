import { everyFault, type UpstreamRequestFault } from 'nestjs-llm-router/testing';

/** How the answer is asked for, and how far a stream comes before it fails. */
export const WAYS = ['whole', 'before', 'after'] as const;
export type Way = (typeof WAYS)[number];

/**
 * `next`: the fallback serves. `event`: the stream had begun and ends with an error event. `answer`: it is none that
 * matters. `deadline`: 504, in time.
 */
export type CellOutcome = 'next' | 'event' | 'answer' | 'deadline';

/** Where nobody answers requests at all. `mortal`: it is refused from the first token on. */
export type FaultPlace =
  'refused' | 'mortal' | 'no_name' | 'tls_garbage' | 'tls_closed' | 'tls_untrusted' | 'tls_stalled';

/** Limits of this case alone, in milliseconds. */
export interface CellLimits {
  readonly targetLatencyMs?: number;
  readonly idleMs?: number;
  readonly maxStreamMs?: number;
  readonly deadlineMs?: number;
}

export interface FaultCell {
  readonly row: string;
  readonly way: Way;
  /** Names its model, its rule and its provider. */
  readonly name: string;
  /** Of the scripted upstream; undefined: the place is the fault. */
  readonly fault: UpstreamRequestFault | undefined;
  readonly place: FaultPlace | undefined;
  readonly outcome: CellOutcome;
  /** What the record of the attempt says; undefined: it succeeded, or only the client's time was over. */
  readonly errorKind: string | undefined;
  readonly limits: CellLimits;
  /** How long the fault itself takes; what comes on top is ours. */
  readonly takesMs: number;
  /** Pieces come one by one: what comes in one packet with the fault has not begun. */
  readonly isPaced: boolean;
  /** A request on the same connection comes before it. */
  readonly isWarm: boolean;
}

/** Of each wait that the faults of time put to the test. */
const MOVE_ON_MS = 60;
const IDLE_MS = 100;
const LONG_MS = 200;
export const CONNECT_MS = 400;
/** undici looks at its timers twice a second, and takes the one after. */
const CONNECTING_MS = CONNECT_MS + 1_000;

type Described = Omit<Partial<FaultCell>, 'row' | 'way' | 'name' | 'errorKind'> & {
  readonly errorKind: string | undefined;
};

const next = (errorKind: string, more: Partial<FaultCell> = {}): Described => ({ errorKind, ...more });
const event = (errorKind: string, more: Partial<FaultCell> = {}): Described => ({
  outcome: 'event',
  errorKind,
  isPaced: true,
  ...more,
});
const answer: Described = { outcome: 'answer', errorKind: undefined };
/** By its time: the move to the next, the longest gap, the longest stream. */
const movedOn = (more: Partial<FaultCell> = {}): Described =>
  next('timeout', { limits: { targetLatencyMs: MOVE_ON_MS }, takesMs: MOVE_ON_MS, ...more });
const idle: Partial<FaultCell> = { limits: { idleMs: IDLE_MS }, takesMs: IDLE_MS };
const longest: Partial<FaultCell> = { limits: { maxStreamMs: LONG_MS }, takesMs: LONG_MS };

function both(described: Described): Partial<Record<Way, Described>> {
  return { whole: described, before: described };
}

/** 64 MiB are sent first; a busy machine takes its time. */
const FLOOD_MS = 1_500;
const OVERLOADED_STREAM = 'overloaded|server_error';

/** What is required of each fault of the kit. */
const REQUIRED: Readonly<Record<string, Partial<Record<Way, Described>>>> = {
  no_headers: both(movedOn()),
  stalled_after_headers: { whole: next('timeout', idle), before: movedOn() },
  stalled_after_first_token: { whole: next('timeout', idle), after: event('timeout', idle) },
  late_headers: both(movedOn()),
  slow_drip: {
    whole: next('timeout', idle),
    before: movedOn(),
    // The first piece takes 250 ms as well.
    after: event('timeout', { ...idle, takesMs: 250 + IDLE_MS }),
  },
  slow_drip_without_gaps: {
    whole: {
      outcome: 'deadline',
      errorKind: undefined,
      fault: { kind: 'drip', everyMs: 20 },
      limits: { deadlineMs: LONG_MS },
      takesMs: LONG_MS,
    },
    after: event('timeout', { fault: { kind: 'drip', everyMs: 60 }, ...longest, takesMs: 60 + LONG_MS }),
  },
  cut_before_first_token: both(next('connection')),
  cut_after_first_token: {
    whole: next('connection'),
    after: event('connection', { fault: { kind: 'cut', afterChunks: 2 } }),
  },
  cut_at_bytes: {
    ...both(next('connection')),
    after: event('connection', { fault: { kind: 'cut', afterBytes: 900 }, takesMs: 200 }),
  },
  cut_by_reset: {
    whole: next('connection'),
    before: next('connection', { fault: { kind: 'cut', afterChunks: 0, ending: 'reset' } }),
    after: event('connection', { fault: { kind: 'cut', afterChunks: 2, ending: 'reset' } }),
  },
  cut_clean: {
    whole: next('bad_response'),
    before: next('stream_cut', { fault: { kind: 'cut', afterChunks: 0, ending: 'clean' } }),
    after: event('stream_cut', { fault: { kind: 'cut', afterChunks: 2, ending: 'clean' } }),
  },
  empty_body: { whole: next('bad_response'), before: next('stream_cut') },
  error_event_first: { whole: next('overloaded'), before: next(OVERLOADED_STREAM) },
  error_event_later: { whole: next('overloaded'), after: event(OVERLOADED_STREAM, { takesMs: 100 }) },
  error_in_200: both(next('server_error')),
  malformed_at_first: both(next('bad_response')),
  malformed_later: { whole: next('bad_response'), after: event('bad_response', { takesMs: 100 }) },
  wrong_content_type: both(answer),
  html: both(next('bad_response')),
  html_502: both(next('server_error')),
  oversized_body: {
    whole: next('bad_response', { takesMs: FLOOD_MS }),
    after: event('timeout', { ...longest, takesMs: LONG_MS + FLOOD_MS }),
  },
  oversized_line: {
    whole: next('bad_response', { takesMs: FLOOD_MS }),
    before: next('bad_response', { takesMs: FLOOD_MS }),
  },
  oversized_header: both(next('connection')),
  reset: both(next('connection')),
  reset_reused: both(next('connection', { isWarm: true })),
  status_500: both(next('server_error')),
  status_503: both(next('overloaded')),
  status_529: both(next('overloaded')),
  refused: {
    ...both(next('connection', { place: 'refused' })),
    after: event('connection', { place: 'mortal' }),
  },
  no_name: both(next('connection|timeout', { place: 'no_name', takesMs: CONNECTING_MS })),
  tls_garbage: both(next('connection', { place: 'tls_garbage' })),
  tls_closed: both(next('connection', { place: 'tls_closed' })),
  tls_untrusted: both(next('connection', { place: 'tls_untrusted' })),
  tls_stalled: both(next('timeout', { place: 'tls_stalled', takesMs: CONNECTING_MS })),
};

/** A connection that is not made has no wire yet, and this one takes a second: one of them tells. */
const ON_ONE_WIRE = new Set(['tls_stalled']);

/**
 * Every fault of the kit in all ways in which it can come; those without a requirement among {@link REQUIRED} throw.
 *
 * @param isFirstWire - With those that are the same on every wire.
 */
export function faultCells(isFirstWire: boolean): readonly FaultCell[] {
  const faults = everyFault();
  return [...new Set([...Object.keys(faults), ...Object.keys(REQUIRED)])].flatMap((row) => {
    if (ON_ONE_WIRE.has(row) && !isFirstWire) return [];
    const required = row.startsWith('rate_limited_') ? both(next('rate_limited')) : REQUIRED[row];
    if (required === undefined) throw new Error(`Nothing is required of the fault ${row}`);
    return WAYS.flatMap((way): FaultCell[] => {
      const described = required[way];
      if (described === undefined) return [];
      const place = described.place;
      const fault = described.fault ?? (place === undefined ? faults[row] : undefined);
      if (fault === undefined && place === undefined) throw new Error(`No fault for ${row}`);
      return [
        {
          outcome: 'next',
          limits: {},
          takesMs: 0,
          isPaced: false,
          isWarm: false,
          ...described,
          row,
          way,
          name: `${row}_${way}`,
          fault,
          place,
        },
      ];
    });
  });
}

/** What became of each case, for people. */
export class FaultMatrix {
  readonly #rows = new Map<string, Map<string, { outcome: string; ms: number[] }>>();

  add(row: string, column: string, outcome: string, ms: number): void {
    const cells = this.#rows.get(row) ?? new Map<string, { outcome: string; ms: number[] }>();
    this.#rows.set(row, cells);
    const cell = cells.get(column) ?? { outcome, ms: [] };
    cells.set(column, cell);
    if (cell.outcome !== outcome) cell.outcome = `${cell.outcome}/${outcome}`;
    cell.ms.push(Math.round(ms));
  }

  /** A line a fault; in a cell the outcome, and the milliseconds. */
  print(columns: readonly string[]): string {
    const table = [
      ['fault', ...columns],
      ...[...this.#rows].map(([row, cells]) => [
        row,
        ...columns.map((column) => {
          const cell = cells.get(column);
          return cell === undefined ? '-' : `${cell.outcome} ${cell.ms.join('/')}`;
        }),
      ]),
    ];
    const widths = table[0]!.map((_, index) => Math.max(...table.map((line) => line[index]!.length)));
    return table
      .map((line) =>
        line
          .map((text, index) => text.padEnd(widths[index]!))
          .join('  ')
          .trimEnd(),
      )
      .join('\n');
  }
}
