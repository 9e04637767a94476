import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NO_USAGE } from '../chat/index.js';
import { OverloadedError } from '../errors/overloaded-error.js';
import { compileOptions, type PolicyDeployment } from '../planning/index.js';
import { TelemetryBus } from '../telemetry/index.js';
import { type RoomGuest, type RoomPlace, WaitingRoom } from './waiting-room.js';

const { policy } = compileOptions(
  {
    providers: { p: { api: 'openai', baseUrl: 'http://127.0.0.1:1/v1' } },
    models: { a: { provider: 'p' }, b: { provider: 'p' } },
    routingRules: { simple_queries: { primary: ['a', 'b'] } },
  },
  {},
);

function deploymentOf(name: string): PolicyDeployment {
  const [deployment] = policy.models.get(name)?.deployments ?? [];
  if (deployment === undefined) throw new Error(`no deployment of ${name}`);
  return deployment;
}

const A = deploymentOf('a');
const B = deploymentOf('b');

/** A room before two deployments, the calls in flight there, and what became of each guest by its name. */
function bench(capacity: { a: number; b: number } = { a: 0, b: 0 }) {
  const bus = new TelemetryBus();
  const inFlight = new Map([
    [A.id, 0],
    [B.id, 0],
  ]);
  const queued: [string, number][] = [];
  bus.on('queue-changed', (event) => {
    queued.push([event.deployment, event.queued]);
  });
  const room = new WaitingRoom(bus, (one, reserved) => {
    const most = one === A ? capacity.a : capacity.b;
    return (inFlight.get(one.id) ?? 0) + reserved < most;
  });
  const ends = new Map<string, RoomPlace | 'left' | OverloadedError>();
  const order: string[] = [];
  const end = (deployment: PolicyDeployment): void => {
    inFlight.set(deployment.id, (inFlight.get(deployment.id) ?? 0) - 1);
    bus.emit('attempt-ended', {
      deployment: deployment.id,
      model: deployment.model.name,
      provider: deployment.provider,
      decisionId: 'd',
      attempt: 1,
      surface: 'none',
      workload: 'interactive',
      requestClass: 'none',
      streamed: false,
      tier: 'primary',
      startedAtMs: 0,
      durationMs: 1,
      timeToFirstTokenMs: undefined,
      outcome: 'succeeded',
      errorKind: undefined,
      status: undefined,
      providerCode: undefined,
      retryAfterMs: undefined,
      usage: NO_USAGE,
      usageSource: 'estimated',
      costUsd: 0,
      reportedModel: undefined,
    });
  };
  return {
    bus,
    room,
    capacity,
    inFlight,
    queued,
    ends,
    order,
    enter: (name: string, guest: Partial<RoomGuest> = {}): void => {
      room
        .wait({
          deployments: [A],
          isBackground: false,
          priority: 50,
          leftMs: 60_000,
          maxSize: 1_000,
          maxWaitMs: undefined,
          signal: undefined,
          ...guest,
        })
        .then(
          (place) => {
            order.push(name);
            ends.set(name, place ?? 'left');
          },
          (error: unknown) => {
            if (!(error instanceof OverloadedError)) throw error;
            ends.set(name, error);
          },
        );
    },
    start: (deployment: PolicyDeployment): void => {
      inFlight.set(deployment.id, (inFlight.get(deployment.id) ?? 0) + 1);
    },
    end,
    /** One call ends at a deployment that has no more room than for that. */
    free: async (deployment = A): Promise<void> => {
      if (deployment === A) capacity.a += 1;
      else capacity.b += 1;
      inFlight.set(deployment.id, (inFlight.get(deployment.id) ?? 0) + 1);
      end(deployment);
      await vi.advanceTimersByTimeAsync(0);
    },
  };
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe('who comes first', () => {
  it('is interactive work before background, the higher priority, and then who came first', async () => {
    const { enter, free, order } = bench();
    enter('background, urgent', { isBackground: true, priority: 100 });
    enter('low', { priority: 10 });
    enter('normal');
    enter('normal, later');
    enter('background', { isBackground: true, priority: 10 });
    enter('high', { priority: 90 });
    for (let index = 0; index < 6; index += 1) await free();
    expect(order).toEqual(['high', 'normal', 'normal, later', 'low', 'background, urgent', 'background']);
  });

  it('gives way to one for whom there is room elsewhere', async () => {
    const { enter, free, ends } = bench();
    enter('first', { deployments: [A] });
    enter('second', { deployments: [A, B] });
    await free(B);
    expect(ends.get('second')).toMatchObject({ deployment: B });
    expect(ends.has('first')).toBe(false);
    await free(A);
    expect(ends.get('first')).toMatchObject({ deployment: A });
  });

  it('gets the deployment it prefers of those with room', async () => {
    const { enter, capacity, free, ends } = bench();
    enter('one', { deployments: [B, A] });
    capacity.b = 1;
    await free(A);
    expect(ends.get('one')).toMatchObject({ deployment: B });
  });
});

describe('a place', () => {
  it('is held for its guest until it is released, once', async () => {
    const { room, enter, free, end, start, ends } = bench();
    enter('first');
    enter('second');
    await free();
    const place = ends.get('first') as RoomPlace;
    expect(room.reserved(A)).toBe(1);
    // Another bell: the place is promised.
    start(B);
    end(B);
    await vi.advanceTimersByTimeAsync(0);
    expect(ends.has('second')).toBe(false);
    start(A);
    place.release();
    place.release();
    expect(room.reserved(A)).toBe(0);
    end(A);
    await vi.advanceTimersByTimeAsync(0);
    expect(ends.get('second')).toMatchObject({ deployment: A });
    expect(room.reserved(A)).toBe(1);
  });

  it('that is given up goes to the next within a moment', async () => {
    const { enter, free, ends } = bench();
    enter('first');
    enter('second');
    await free();
    (ends.get('first') as RoomPlace).release();
    await vi.advanceTimersByTimeAsync(100);
    expect(ends.get('second')).toMatchObject({ deployment: A });
  });

  it('that comes free by time alone, as after a rest, is found within a moment', async () => {
    const { enter, capacity, ends } = bench();
    enter('first');
    await vi.advanceTimersByTimeAsync(5_000);
    capacity.a = 1;
    expect(ends.has('first')).toBe(false);
    await vi.advanceTimersByTimeAsync(100);
    expect(ends.get('first')).toMatchObject({ deployment: A });
    // Nobody waits, so nobody looks.
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('a full room', () => {
  const ONE = { maxSize: 1 };

  it.each<[string, Partial<RoomGuest>, Partial<RoomGuest>, string]>([
    ['the newcomer among equals', {}, {}, 'new'],
    ['background work for interactive', { isBackground: true, priority: 100 }, { priority: 0 }, 'old'],
    ['background work that comes to interactive', {}, { isBackground: true, priority: 100 }, 'new'],
    ['the lower priority', { priority: 49 }, {}, 'old'],
    ['the lower priority that comes', {}, { priority: 49 }, 'new'],
  ])('sheds %s', async (_what, old, newcomer, shed) => {
    const { room, enter, free, ends } = bench();
    enter('old', { ...ONE, ...old });
    enter('new', { ...ONE, ...newcomer });
    await vi.advanceTimersByTimeAsync(0);
    expect(room.size).toBe(1);
    expect([...ends.keys()]).toEqual([shed]);
    expect(ends.get(shed)).toMatchObject({ status: 503, code: 'overloaded', retryAfterMs: 1_000 });
    await free();
    expect(ends.get(shed === 'old' ? 'new' : 'old')).toMatchObject({ deployment: A });
  });

  it('sheds the least urgent of many', async () => {
    const { enter, ends } = bench();
    for (const priority of [50, 10, 90, 20]) enter(`p${priority}`, { priority, maxSize: 4 });
    enter('new', { priority: 60, maxSize: 4 });
    await vi.advanceTimersByTimeAsync(0);
    expect([...ends.keys()]).toEqual(['p10']);
  });

  it('of no size refuses everybody', async () => {
    const { enter, ends } = bench();
    enter('one', { maxSize: 0 });
    await vi.advanceTimersByTimeAsync(0);
    expect(ends.get('one')).toBeInstanceOf(OverloadedError);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('how long it takes', () => {
  /** So many calls end, a second between each and the next, while somebody else has all the places. */
  async function drain(made: ReturnType<typeof bench>, calls: number, deployment = A): Promise<void> {
    for (let index = 0; index < calls; index += 1) {
      made.start(deployment);
      made.end(deployment);
      await vi.advanceTimersByTimeAsync(1_000);
    }
  }

  it('is told at once to whom it is too long', async () => {
    const made = bench();
    await drain(made, 8);
    for (let index = 0; index < 9; index += 1) made.enter(`before ${index}`);
    // The tenth to be served, at one a second.
    made.enter('hurried', { leftMs: 9_900 });
    made.enter('patient', { leftMs: 10_100 });
    await vi.advanceTimersByTimeAsync(0);
    expect([...made.ends.keys()]).toEqual(['hurried']);
    expect(made.ends.get('hurried')).toMatchObject({ status: 503, retryAfterMs: 10_000 });
  });

  it('counts who comes before, not who comes after nor who waits for others', async () => {
    const made = bench();
    await drain(made, 8);
    for (let index = 0; index < 20; index += 1) made.enter(`background ${index}`, { isBackground: true });
    for (let index = 0; index < 20; index += 1) made.enter(`elsewhere ${index}`, { deployments: [B] });
    made.enter('hurried', { leftMs: 1_500 });
    await vi.advanceTimersByTimeAsync(0);
    expect(made.ends.size).toBe(0);
  });

  it('adds up over the deployments it may go to', async () => {
    const made = bench();
    for (let index = 0; index < 8; index += 1) {
      await drain(made, 1, A);
      made.start(B);
      made.end(B);
    }
    for (let index = 0; index < 9; index += 1) made.enter(`before ${index}`, { deployments: [A, B] });
    made.enter('hurried', { deployments: [A, B], leftMs: 6_000 });
    await vi.advanceTimersByTimeAsync(0);
    expect(made.ends.size).toBe(0);
  });

  it('is not known of few calls, nor of old ones: then one waits', async () => {
    const made = bench();
    await drain(made, 4);
    for (let index = 0; index < 30; index += 1) made.enter(`before ${index}`);
    made.enter('hurried', { leftMs: 100 });
    await vi.advanceTimersByTimeAsync(50);
    expect(made.ends.size).toBe(0);
    const old = bench();
    await drain(old, 9);
    await vi.advanceTimersByTimeAsync(10_000);
    for (let index = 0; index < 30; index += 1) old.enter(`before ${index}`);
    old.enter('hurried', { leftMs: 100 });
    await vi.advanceTimersByTimeAsync(50);
    expect(old.ends.size).toBe(0);
  });

  it('is forgotten of deployments that are gone', async () => {
    const made = bench();
    for (let call = 0; call < 10; call += 1) {
      await vi.advanceTimersByTimeAsync(1_000);
      await made.free(A);
      await made.free(B);
    }
    made.room.retain(new Set([B.id]));
    expect(made.room.retryAfterMs([A], 30)).toBe(1_000);
    expect(made.room.retryAfterMs([B], 30)).toBeGreaterThan(10_000);
  });

  it('is told as a second at least and a minute at most', async () => {
    const made = bench();
    expect(made.room.retryAfterMs([A])).toBe(1_000);
    await drain(made, 8);
    for (let index = 0; index < 400; index += 1) made.enter(`before ${index}`, { leftMs: 1_000_000 });
    expect(made.room.retryAfterMs([A])).toBe(60_000);
    expect(made.room.retryAfterMs([B])).toBe(1_000);
  });
});

describe('who leaves', () => {
  it('goes at once, and leaves no listener', async () => {
    const { room, enter, free, ends } = bench();
    const controller = new AbortController();
    const remove = vi.spyOn(controller.signal, 'removeEventListener');
    enter('gone', { signal: controller.signal });
    enter('next');
    controller.abort();
    await vi.advanceTimersByTimeAsync(0);
    expect(ends.get('gone')).toBe('left');
    expect(room.size).toBe(1);
    expect(remove).toHaveBeenCalledOnce();
    await free();
    expect(ends.get('next')).toMatchObject({ deployment: A });
    expect(room.reserved(A)).toBe(1);
  });

  it('does not come in where he has left before', async () => {
    const { room, enter, ends } = bench();
    enter('gone', { signal: AbortSignal.abort() });
    await vi.advanceTimersByTimeAsync(0);
    expect([ends.get('gone'), room.size]).toEqual(['left', 0]);
  });

  it.each([
    ['deadline', { leftMs: 700 }],
    ['longest wait', { leftMs: 60_000, maxWaitMs: 700 }],
  ])('is sent away at his %s, not before', async (_what, guest) => {
    const { enter, ends } = bench();
    enter('one', guest);
    await vi.advanceTimersByTimeAsync(699);
    expect(ends.has('one')).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(ends.get('one')).toBe('left');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is everybody, when the room closes', async () => {
    const { room, enter, ends, free } = bench();
    enter('one');
    enter('two');
    room.close();
    await vi.advanceTimersByTimeAsync(0);
    expect([...ends.values()]).toEqual(['left', 'left']);
    expect(vi.getTimerCount()).toBe(0);
    await free();
    expect(room.reserved(A)).toBe(0);
  });
});

it('tells how many wait, by the deployment that each would rather go to', async () => {
  const { enter, free, queued } = bench();
  enter('one', { deployments: [A, B] });
  enter('two', { deployments: [B] });
  enter('three', { deployments: [A] });
  await free(B);
  await free(A);
  await free(B);
  expect(queued).toEqual([
    [A.id, 1],
    [B.id, 1],
    [A.id, 2],
    [A.id, 1],
    [A.id, 0],
    [B.id, 0],
  ]);
});

// ---- whatever happens ------------------------------------------------------------------------------------------

const guest = fc.record({
  deployments: fc.constantFrom([A], [B], [A, B], [B, A]),
  isBackground: fc.boolean(),
  priority: fc.constantFrom(10, 50, 90),
  leftMs: fc.integer({ min: 1, max: 5_000 }),
  maxWaitMs: fc.option(fc.integer({ min: 1, max: 5_000 }), { nil: undefined }),
});
const step = fc.oneof(
  { weight: 4, arbitrary: guest.map((who) => ({ kind: 'enter' as const, who })) },
  { weight: 3, arbitrary: fc.constantFrom(A, B).map((one) => ({ kind: 'end' as const, one })) },
  { weight: 2, arbitrary: fc.nat(500).map((which) => ({ kind: 'use' as const, which })) },
  { weight: 1, arbitrary: fc.nat(500).map((which) => ({ kind: 'give back' as const, which })) },
  { weight: 1, arbitrary: fc.nat(500).map((which) => ({ kind: 'leave' as const, which })) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 400 }).map((ms) => ({ kind: 'pass' as const, ms })) },
);

it('never gives more places than there is room, is bounded, and lets nobody wait for ever', async () => {
  const MAX_SIZE = 4;
  let given = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 30, maxLength: 80 }), async (steps) => {
      const { room, enter, inFlight, ends, start, end } = bench({ a: 2, b: 1 });
      const controllers: AbortController[] = [];
      const wishes: (readonly PolicyDeployment[])[] = [];
      const used = new Set<RoomPlace>();
      const held = (): RoomPlace[] =>
        [...ends.values()].filter(
          (one): one is RoomPlace => one !== 'left' && !(one instanceof OverloadedError) && !used.has(one),
        );
      for (const taken of steps) {
        switch (taken.kind) {
          case 'enter': {
            const controller = new AbortController();
            controllers.push(controller);
            wishes.push(taken.who.deployments);
            const name = String(controllers.length);
            enter(name, { ...taken.who, maxSize: MAX_SIZE, signal: controller.signal });
            break;
          }
          case 'end':
            if ((inFlight.get(taken.one.id) ?? 0) > 0) end(taken.one);
            break;
          case 'use':
          case 'give back': {
            const places = held();
            const place = places[taken.which % Math.max(places.length, 1)];
            if (place === undefined) break;
            used.add(place);
            given += 1;
            if (taken.kind === 'use') start(place.deployment);
            place.release();
            break;
          }
          case 'leave':
            controllers[taken.which % Math.max(controllers.length, 1)]?.abort();
            break;
          case 'pass':
            await vi.advanceTimersByTimeAsync(taken.ms);
            if (taken.ms < 100) break;
            // Nobody is left standing before a place that is free.
            for (const [index, wish] of wishes.entries()) {
              if (ends.has(String(index + 1))) continue;
              for (const one of wish) {
                const free = (one === A ? 2 : 1) - (inFlight.get(one.id) ?? 0) - room.reserved(one);
                expect(free).toBe(0);
              }
            }
        }
        await vi.advanceTimersByTimeAsync(0);
        expect((inFlight.get(A.id) ?? 0) + room.reserved(A)).toBeLessThanOrEqual(2);
        expect((inFlight.get(B.id) ?? 0) + room.reserved(B)).toBeLessThanOrEqual(1);
        expect(room.reserved(A) + room.reserved(B)).toBe(held().length);
        expect(room.size).toBeLessThanOrEqual(MAX_SIZE);
        expect(room.size + ends.size).toBe(controllers.length);
      }
      await vi.advanceTimersByTimeAsync(5_000);
      expect([room.size, ends.size]).toEqual([0, controllers.length]);
      expect(vi.getTimerCount()).toBe(0);
      for (const place of held()) place.release();
      expect([room.reserved(A), room.reserved(B)]).toEqual([0, 0]);
    }),
    { numRuns: 150 },
  );
  expect(given).toBeGreaterThan(200);
});
