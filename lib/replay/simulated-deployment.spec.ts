import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ASSUMED_BEHAVIOUR, type DeploymentBehaviour, type DeploymentEvent } from './deployment-behaviour.js';
import { logNormal } from './distribution.js';
import { SimulatedClock } from './simulated-clock.js';
import { type SimulatedCall, SimulatedDeployment, type SimulatedFailure } from './simulated-deployment.js';

const EVEN: DeploymentBehaviour = {
  ...ASSUMED_BEHAVIOUR,
  timeToFirstTokenMs: logNormal(100, 0),
  tokensPerSecond: logNormal(100, 0),
};

interface Seen {
  firstTokenMs?: number;
  endMs?: number;
  failure?: SimulatedFailure | undefined;
}

function scene(behaviour: Partial<DeploymentBehaviour> = {}, events: DeploymentEvent[] = [], seed = 1) {
  const clock = new SimulatedClock(0);
  const deployment = new SimulatedDeployment('one/a', { ...EVEN, ...behaviour }, events, clock, 0, seed);
  const call = (request: number, answerTokens = 10): Seen & { call: SimulatedCall } => {
    const seen: Seen = {};
    const running = deployment.call({
      request,
      attempt: 1,
      answerTokens,
      onFirstToken: () => {
        seen.firstTokenMs = clock.now();
      },
      onEnd: (failure) => {
        expect(seen.endMs).toBeUndefined();
        seen.endMs = clock.now();
        seen.failure = failure;
      },
    });
    return Object.assign(seen, { call: running });
  };
  return { clock, deployment, call };
}

describe('SimulatedDeployment', () => {
  it('answers after its first token at its speed', () => {
    const { clock, call } = scene();
    const seen = call(0, 50);
    clock.run();
    expect(seen).toMatchObject({ firstTokenMs: 100, endMs: 600, failure: undefined });
  });

  it('lets the rest wait while it is full, and sends away whom its queue has no room for', () => {
    const { clock, call, deployment } = scene({ capacity: 1, queueLength: 1 });
    const [first, second, third] = [call(0), call(1), call(2)];
    expect(deployment.working).toBe(1);
    clock.run();
    expect(first.firstTokenMs).toBe(100);
    expect(second.firstTokenMs).toBe(300);
    expect(third.failure).toEqual({ kind: 'rate_limited', status: 429, retryAfterMs: 1_000 });
    expect(deployment).toMatchObject({ inFlight: 0, working: 0, peakInFlight: 3 });
  });

  it('gives the place of a call that was stopped to the next', () => {
    const { clock, call, deployment } = scene({ capacity: 1 });
    const first = call(0, 1_000);
    const second = call(1);
    const third = call(2);
    clock.at(50, () => {
      second.call.stop();
      first.call.stop();
      first.call.stop();
    });
    clock.run();
    expect(first.endMs).toBeUndefined();
    expect(second.endMs).toBeUndefined();
    expect(third.firstTokenMs).toBe(150);
    expect(deployment.inFlight).toBe(0);
  });

  it('takes no more than its rate, and says what it was told to', () => {
    const { clock, call } = scene({ requestsPerMinute: 60, retryAfterMs: 700 });
    const seen: Seen[] = [];
    for (let index = 0; index < 20; index += 1) {
      clock.at(index * 250, () => {
        seen.push(call(index));
      });
    }
    clock.run();
    const refused = seen.filter(({ failure }) => failure?.status === 429);
    expect(refused).toHaveLength(15);
    expect(refused[0]?.failure?.retryAfterMs).toBe(700);
  });

  it.each<[DeploymentEvent['change'], (seen: Seen) => void]>([
    [
      { kind: 'brown_out', factor: 10 },
      ({ firstTokenMs, endMs }) => {
        expect([firstTokenMs, endMs]).toEqual([2_000, 3_000]);
      },
    ],
    [
      { kind: 'error_burst', errorRate: 1 },
      ({ failure }) => {
        expect(failure).toMatchObject({ kind: 'server_error', status: 500 });
      },
    ],
    [
      { kind: 'outage' },
      ({ failure }) => {
        expect(failure).toMatchObject({ kind: 'connection', status: undefined });
      },
    ],
  ])('is in trouble for the time of its event: %j', (change, check) => {
    const event = { deployment: 'one/a', fromMs: 1_000, toMs: 2_000, change };
    const { clock, call } = scene({}, [event, { ...event, deployment: 'other/b', fromMs: 0, toMs: 9_000 }]);
    const seen: Seen[] = [];
    for (const atMs of [0, 1_000, 2_000]) clock.at(atMs, () => seen.push(call(atMs)));
    clock.run();
    expect(seen[0]).toMatchObject({ firstTokenMs: 100, endMs: 200 });
    check(seen[1]!);
    expect(seen[2]).toMatchObject({ firstTokenMs: 2_100, endMs: 2_200 });
  });

  it('never works on more than it can, and every call ends once or was stopped', () => {
    const call = fc.record({
      atMs: fc.nat({ max: 2_000 }),
      answerTokens: fc.nat({ max: 100 }),
      stopAfterMs: fc.option(fc.nat({ max: 500 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(
        fc.array(call, { maxLength: 60 }),
        fc.integer({ min: 1, max: 4 }),
        fc.nat({ max: 5 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.option(fc.integer({ min: 30, max: 600 }), { nil: undefined }),
        (calls, capacity, queueLength, errorRate, requestsPerMinute) => {
          const {
            clock,
            deployment,
            call: start,
          } = scene({ capacity, queueLength, errorRate, requestsPerMinute });
          const seen: (Seen & { isStopped: boolean })[] = [];
          const look = (): void => {
            expect(deployment.working).toBeLessThanOrEqual(capacity);
            expect(deployment.working).toBeGreaterThanOrEqual(0);
            expect(deployment.inFlight).toBeGreaterThanOrEqual(deployment.working);
          };
          for (const [index, { atMs, answerTokens, stopAfterMs }] of calls.entries()) {
            clock.at(atMs, () => {
              const running = Object.assign(start(index, answerTokens), { isStopped: false });
              seen.push(running);
              look();
              if (stopAfterMs === undefined) return;
              clock.after(stopAfterMs, () => {
                if (running.endMs === undefined) running.isStopped = true;
                running.call.stop();
                look();
              });
            });
          }
          clock.run();
          look();
          expect(deployment.inFlight).toBe(0);
          expect(deployment.working).toBe(0);
          for (const one of seen) expect(one.endMs === undefined).toBe(one.isStopped);
        },
      ),
    );
  });

  it('gives the same request the same luck, whatever else it is asked', () => {
    const spread = { timeToFirstTokenMs: logNormal(100, 0.5) };
    const alone = scene(spread, [], 7);
    const one = alone.call(5);
    alone.clock.run();
    const busy = scene(spread, [], 7);
    for (let index = 0; index < 5; index += 1) busy.call(index);
    const same = busy.call(5);
    busy.clock.run();
    expect(same.firstTokenMs).toBe(one.firstTokenMs);
    const otherwise = scene(spread, [], 8);
    const other = otherwise.call(5);
    otherwise.clock.run();
    expect(other.firstTokenMs).not.toBe(one.firstTokenMs);
  });
});
