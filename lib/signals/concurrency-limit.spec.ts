import { describe, expect, it } from 'vitest';
import { ConcurrencyLimit, type ConcurrencySettings, DEFAULT_CONCURRENCY } from './concurrency-limit.js';

/** mulberry32: the same numbers for the same seed. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/**
 * One look of the limit after the other: the calls before each are alike, sent after the one before, and just as many as it
 * takes. The first look is done: 200 ms are usual.
 */
function bench(settings: ConcurrencySettings = DEFAULT_CONCURRENCY) {
  const limit = new ConcurrencyLimit(() => settings);
  let nowMs = 1_000_000;
  const second = (inFlight: number, waitMs: number, count = 8): number | undefined => {
    // Longer than the wait, so that they were sent after the last decrease.
    nowMs += Math.max(1_000, waitMs + 1);
    for (let index = 0; index < count; index += 1) {
      limit.started(inFlight);
      limit.firstToken(waitMs, nowMs);
    }
    return limit.limit;
  };
  second(20, 200);
  nowMs += 1_000;
  limit.firstToken(200, nowMs);
  return {
    limit,
    second,
    seconds: (count: number, inFlight: number, waitMs: number) => {
      for (let index = 0; index < count; index += 1) second(inFlight, waitMs);
      return limit.limit;
    },
    overloads: (inFlight: number, count: number) => {
      nowMs += 1_000;
      limit.started(inFlight);
      for (let index = 0; index < count; index += 1) limit.overloaded(nowMs);
      return limit.limit;
    },
    wholeAnswers: (inFlight: number, durationMs: number, count = 8) => {
      nowMs += durationMs + 1_000;
      for (let index = 0; index < count; index += 1) {
        limit.started(inFlight);
        limit.answeredWhole(durationMs, nowMs);
      }
      return limit.limit;
    },
    firstToken: (waitMs: number) => {
      limit.firstToken(waitMs, nowMs);
    },
  };
}

describe('the limit', () => {
  it('is none without congestion, however many calls there are', () => {
    const { second, seconds } = bench();
    expect(seconds(60, 1_000, 200)).toBeUndefined();
    // Twice the usual is a bad moment.
    expect(second(1_000, 400)).toBeUndefined();
  });

  it('is less than what was in flight when first tokens took far longer than usual', () => {
    const { second } = bench();
    expect(second(40, 600)).toBe(30);
  });

  it('is less where the provider says that it has no capacity, and not for a single word', () => {
    const { overloads } = bench();
    expect(overloads(40, 1)).toBeUndefined();
    expect(overloads(40, 1)).toBe(30);
  });

  it('bears few such words among many answers', () => {
    const { limit } = bench();
    for (let index = 0; index < 21; index += 1) limit.firstToken(200, 1_002_000);
    for (let index = 0; index < 2; index += 1) limit.overloaded(1_002_000);
    limit.firstToken(200, 1_003_000);
    expect(limit.limit).toBeUndefined();
  });

  it('is never under the minimum', () => {
    const { overloads } = bench({ adaptive: true, min: 7 });
    for (let index = 0; index < 20; index += 1) overloads(8, 2);
    expect(overloads(8, 2)).toBe(7);
  });

  it('is not shown where it is switched off', () => {
    const { overloads } = bench({ adaptive: false, min: 1 });
    expect(overloads(40, 2)).toBeUndefined();
  });

  it('grows again while it is in use and first tokens come as usual, and not otherwise', () => {
    const { second, seconds } = bench();
    second(40, 600);
    expect(seconds(5, 10, 200)).toBe(30);
    expect(second(30, 200)).toBe(32);
    expect(second(32, 200)).toBe(34);
    // Longer than usual, and not congested: left alone.
    expect(seconds(3, 34, 420)).toBe(34);
  });

  it('grows by whole answers too, which have no first token', () => {
    const { overloads, wholeAnswers } = bench();
    expect(overloads(40, 2)).toBe(30);
    expect(wholeAnswers(30, 3_000)).toBe(32);
  });

  it('learns nothing from calls sent before its last decrease', () => {
    const { second, firstToken, limit } = bench();
    second(40, 600);
    for (let index = 0; index < 100; index += 1) firstToken(900);
    expect(limit.limit).toBe(30);
    expect(second(30, 200)).toBe(32);
  });

  it('does not fall to the minimum where nothing was sent since its last decrease', () => {
    const { overloads, limit } = bench();
    expect(overloads(100, 2)).toBe(75);
    for (let index = 0; index < 2; index += 1) limit.overloaded(1_100_000);
    expect(limit.limit).toBe(56);
  });

  it('takes decreases back that bring no relief: it is as slow whatever the load', () => {
    const { second, seconds } = bench();
    expect(second(40, 1_000)).toBe(30);
    expect(second(30, 990)).toBe(22);
    expect(second(22, 1_000)).toBeUndefined();
    // That is how it is now.
    expect(seconds(30, 100, 1_000)).toBeUndefined();
  });

  it('keeps decreases that bring relief', () => {
    const { second } = bench();
    second(40, 1_400);
    second(30, 1_000);
    expect(second(22, 700)).toBe(16);
    expect(second(10, 210)).toBe(16);
  });

  it('does not take a queue that builds up slowly for usual', () => {
    const { second } = bench();
    let waitMs = 200;
    let limit: number | undefined;
    // Over three minutes.
    while (waitMs < 1_400 && limit === undefined) {
      waitMs *= 1.01;
      limit = second(40, waitMs);
    }
    expect(limit).toBe(30);
    expect(waitMs).toBeLessThan(1_000);
  });
});

// ---- against a server that queues --------------------------------------------------------------------------------

interface Simulation {
  /** Calls it works on at once. */
  readonly capacity: number;
  readonly clients: (nowMs: number) => number;
  readonly firstTokenMs: number;
  readonly serviceMs: number;
  /** It refuses what is over its capacity, rather than queue it. */
  readonly refuses?: boolean;
  readonly seconds: number;
}

interface Second {
  readonly limit: number | undefined;
  readonly medianMs: number;
  readonly answered: number;
}

/** A closed loop: each client sends its next call when the last is answered, and waits where the limit is reached. */
function simulate({ capacity, clients, firstTokenMs, serviceMs, refuses, seconds }: Simulation): Second[] {
  const random = seeded(3);
  const limit = new ConcurrencyLimit(() => DEFAULT_CONCURRENCY);
  const events: { readonly atMs: number; readonly run: () => void }[] = [];
  let nowMs = 1;
  const at = (atMs: number, run: () => void): void => {
    let index = events.length;
    while (index > 0 && (events[index - 1]?.atMs ?? 0) > atMs) index -= 1;
    events.splice(index, 0, { atMs, run });
  };
  const about = (ms: number): number => ms * (0.7 + 0.6 * random());
  const queue: (() => void)[] = [];
  const history: Second[] = [];
  let waits: number[] = [];
  let [known, waiting, inFlight, busy, answered] = [0, 0, 0, 0, 0];
  const comeBack = (afterMs: number): void => {
    at(nowMs + afterMs, () => {
      waiting += 1;
      admit();
    });
  };
  const serve = (sentAtMs: number): void => {
    busy += 1;
    const startMs = about(firstTokenMs);
    at(nowMs + startMs, () => {
      waits.push(nowMs - sentAtMs);
      limit.firstToken(nowMs - sentAtMs, nowMs);
      admit();
    });
    at(nowMs + Math.max(startMs, about(serviceMs)), () => {
      busy -= 1;
      inFlight -= 1;
      answered += 1;
      queue.shift()?.();
      comeBack(5 * random());
    });
  };
  const admit = (): void => {
    while (waiting > 0 && inFlight < (limit.limit ?? Number.POSITIVE_INFINITY)) {
      waiting -= 1;
      inFlight += 1;
      limit.started(inFlight);
      const sentAtMs = nowMs;
      if (busy < capacity) {
        serve(sentAtMs);
      } else if (refuses) {
        at(nowMs + 20, () => {
          inFlight -= 1;
          limit.overloaded(nowMs);
          comeBack(500 * random());
        });
      } else {
        queue.push(() => {
          serve(sentAtMs);
        });
      }
    }
  };
  const tick = (): void => {
    const wanted = clients(nowMs);
    while (known < wanted) {
      known += 1;
      waiting += 1;
    }
    admit();
    waits.sort((first, second) => first - second);
    history.push({ limit: limit.limit, medianMs: waits[waits.length >> 1] ?? Number.NaN, answered });
    waits = [];
    answered = 0;
    at(nowMs + 1_000, tick);
  };
  at(1, tick);
  for (let event = events.shift(); event !== undefined; event = events.shift()) {
    nowMs = event.atMs;
    if (nowMs > seconds * 1_000) break;
    event.run();
  }
  return history;
}

function medianOf(values: readonly number[]): number {
  return values.filter((value) => !Number.isNaN(value)).toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

describe('the limit of a server with a queue', () => {
  it.each([
    { capacity: 10, clients: 40, firstTokenMs: 200, serviceMs: 1_000 },
    { capacity: 10, clients: 100, firstTokenMs: 200, serviceMs: 1_000 },
    { capacity: 10, clients: 20, firstTokenMs: 200, serviceMs: 1_000 },
    { capacity: 20, clients: 60, firstTokenMs: 300, serviceMs: 2_000 },
    { capacity: 40, clients: 160, firstTokenMs: 100, serviceMs: 800 },
    { capacity: 10, clients: 40, firstTokenMs: 800, serviceMs: 1_000 },
  ])(
    'settles near its capacity: $capacity at once, $clients clients, $firstTokenMs ms to a token, $serviceMs ms a call',
    ({ capacity, clients, firstTokenMs, serviceMs }) => {
      for (const calmMs of [0, 15_000]) {
        const settled = simulate({
          capacity,
          clients: (nowMs) => (nowMs < calmMs ? Math.floor(capacity * 0.8) : clients),
          firstTokenMs,
          serviceMs,
          seconds: 180,
        }).slice(-90);
        for (const { limit } of settled) {
          expect(limit).toBeGreaterThanOrEqual(0.5 * capacity);
          expect(limit).toBeLessThanOrEqual(2.3 * capacity);
        }
        const congestedMs = firstTokenMs + ((clients - capacity) / capacity) * serviceMs;
        const medianMs = medianOf(settled.map((second) => second.medianMs));
        // A whole queue's wait before.
        expect(medianMs).toBeLessThan(Math.min(3.2 * firstTokenMs, congestedMs));
        // And the server is kept busy.
        const perSecond = settled.reduce((sum, { answered }) => sum + answered, 0) / settled.length;
        expect(perSecond).toBeGreaterThan((0.85 * capacity * 1_000) / serviceMs);
      }
    },
  );

  it('drains a deep queue of slow calls, in minutes', () => {
    const history = simulate({
      capacity: 30,
      clients: () => 240,
      firstTokenMs: 500,
      serviceMs: 5_000,
      seconds: 400,
    });
    for (const { limit } of history.slice(-120)) {
      expect(limit).toBeGreaterThanOrEqual(15);
      expect(limit).toBeLessThanOrEqual(60);
    }
  });

  it('is none where there is no queue', () => {
    const history = simulate({
      capacity: 20,
      clients: () => 16,
      firstTokenMs: 200,
      serviceMs: 1_000,
      seconds: 60,
    });
    expect(history.every(({ limit }) => limit === undefined)).toBe(true);
  });

  it('is found by refusals as well: few are left of them, and the server is kept busy', () => {
    const settled = simulate({
      capacity: 20,
      clients: () => 100,
      firstTokenMs: 200,
      serviceMs: 1_000,
      refuses: true,
      seconds: 120,
    }).slice(-60);
    const limits = settled.map(({ limit }) => limit ?? Number.POSITIVE_INFINITY);
    expect(Math.max(...limits)).toBeLessThan(40);
    const perSecond = settled.reduce((sum, { answered }) => sum + answered, 0) / settled.length;
    expect(perSecond).toBeGreaterThan(13);
  });
});
