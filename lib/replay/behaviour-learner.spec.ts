import { describe, expect, it } from 'vitest';
import { BehaviourLearner, type RecordedCall } from './behaviour-learner.js';
import { SeededRandom } from './seeded-random.js';

const SLOT_MS = 300_000;

function call(extra: Partial<RecordedCall> = {}): RecordedCall {
  return {
    deployment: 'one/a',
    startedAtMs: 0,
    durationMs: 1_400,
    timeToFirstTokenMs: 400,
    outcome: 'succeeded',
    errorKind: undefined,
    retryAfterMs: undefined,
    promptTokens: 100,
    completionTokens: 100,
    ...extra,
  };
}

function learn(calls: RecordedCall[]) {
  const learner = new BehaviourLearner();
  for (const one of calls) learner.add(one);
  return learner.behaviours().get('one/a')!;
}

describe('BehaviourLearner', () => {
  it('draws what was recorded', () => {
    const behaviour = learn(
      Array.from({ length: 200 }, (_, index) =>
        call({ timeToFirstTokenMs: 100 + index, durationMs: 1_100 + index }),
      ),
    );
    const random = new SeededRandom(1);
    const drawn = Array.from({ length: 4_000 }, () => behaviour.timeToFirstTokenMs.draw(random)).sort(
      (first, second) => first - second,
    );
    expect(drawn[0]).toBeGreaterThanOrEqual(100);
    expect(drawn.at(-1)).toBeLessThanOrEqual(299);
    expect(drawn[2_000]).toBeGreaterThan(190);
    expect(drawn[2_000]).toBeLessThan(210);
    expect(drawn[3_800]).toBeGreaterThan(280);
    expect(behaviour.tokensPerSecond.median).toBeCloseTo(100);
  });

  it('learns the share of failures, of what they were, and what was said with a 429', () => {
    const failed = (errorKind: string, retryAfterMs?: number) =>
      call({ outcome: 'failed', errorKind, retryAfterMs, timeToFirstTokenMs: undefined });
    const behaviour = learn([
      ...Array.from({ length: 14 }, () => call()),
      failed('server_error'),
      failed('rate_limited', 2_000),
      failed('rate_limited', 2_000),
      call({ outcome: 'client_left', timeToFirstTokenMs: undefined }),
      call({ outcome: 'hedge_lost', timeToFirstTokenMs: undefined }),
      call(),
    ]);
    expect(behaviour).toMatchObject({ errorRate: 0.15, errorKind: 'rate_limited', retryAfterMs: 2_000 });
    expect(behaviour.timeToFirstTokenMs.median).toBe(400);
  });

  it('parts a whole answer into its wait and its words', () => {
    const whole = (completionTokens: number) =>
      call({ timeToFirstTokenMs: undefined, completionTokens, durationMs: 600 + completionTokens * 20 });
    const behaviour = learn([50, 100, 200, 400].map(whole));
    expect(behaviour.tokensPerSecond.median).toBeCloseTo(50);
    expect(behaviour.timeToFirstTokenMs.median).toBeCloseTo(600);
  });

  it('takes what was given up on for at least as long as it was waited for', () => {
    const behaviour = learn(
      Array.from({ length: 9 }, () =>
        call({ outcome: 'timed_out', timeToFirstTokenMs: undefined, durationMs: 9_000 }),
      ),
    );
    expect(behaviour.timeToFirstTokenMs.median).toBe(9_000);
  });

  it('keeps a bad part of the day where it was', () => {
    const slow = Array.from({ length: 30 }, () =>
      call({ startedAtMs: SLOT_MS + 1, timeToFirstTokenMs: 4_000, durationMs: 5_000 }),
    );
    const few = Array.from({ length: 5 }, () =>
      call({ startedAtMs: 2 * SLOT_MS, timeToFirstTokenMs: 9_000 }),
    );
    const behaviour = learn([...Array.from({ length: 100 }, () => call()), ...slow, ...few]);
    const slots = behaviour.slots!;
    expect(slots.lengthMs).toBe(SLOT_MS);
    expect(slots.paces.get(0)?.timeToFirstTokenMs.median).toBe(400);
    expect(slots.paces.get(1)?.timeToFirstTokenMs.median).toBe(4_000);
    expect(slots.paces.has(2)).toBe(false);
    expect(behaviour.timeToFirstTokenMs.median).toBe(400);
  });
});
