import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AttemptClock, AttemptStopped, SHUTDOWN } from './attempt-clock.js';

describe('AttemptClock', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });

  afterEach(() => {
    // Whatever was done, dispose leaves no timer.
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });

  it('stops for the nearest limit, and says which it was', () => {
    const clock = new AttemptClock(undefined);
    clock.arm([
      { afterMs: 300, cause: 'deadline' },
      { afterMs: undefined, cause: 'too_slow' },
      { afterMs: 200, cause: 'moved_on' },
    ]);
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(199);
    expect(clock.signal.aborted).toBe(false);
    expect(clock.stopCause).toBeUndefined();
    vi.advanceTimersByTime(1);
    expect(clock.stopCause).toBe('moved_on');
    expect(clock.signal.reason).toBeInstanceOf(AttemptStopped);
    clock.dispose();
  });

  it('asks a limit that may not count when its time is up, once, and goes on to the next', () => {
    const asked = vi.fn(() => true);
    const clock = new AttemptClock(undefined);
    clock.arm([
      { afterMs: 500, cause: 'deadline' },
      { afterMs: 200, cause: 'too_slow', unless: asked },
      { afterMs: 300, cause: 'moved_on', unless: asked },
    ]);
    vi.advanceTimersByTime(199);
    expect(asked).not.toHaveBeenCalled();
    vi.advanceTimersByTime(300);
    expect(asked).toHaveBeenCalledTimes(2);
    expect(clock.signal.aborted).toBe(false);
    vi.advanceTimersByTime(1);
    expect(clock.stopCause).toBe('deadline');
    clock.arm([]);
    clock.dispose();
  });

  it('stops for a limit that counts after all', () => {
    const clock = new AttemptClock(undefined);
    clock.arm([{ afterMs: 200, cause: 'too_slow', unless: () => false }]);
    vi.advanceTimersByTime(200);
    expect(clock.stopCause).toBe('too_slow');
    clock.dispose();
  });

  it('lets an earlier limit go when armed anew, or with nothing', () => {
    const clock = new AttemptClock(undefined);
    clock.arm([{ afterMs: 100, cause: 'moved_on' }]);
    clock.arm([{ afterMs: 500, cause: 'idle' }]);
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(499);
    expect(clock.signal.aborted).toBe(false);
    clock.arm([]);
    vi.advanceTimersByTime(10_000);
    expect(clock.signal.aborted).toBe(false);
    clock.dispose();
  });

  it('takes a limit already past as one that is due', () => {
    const clock = new AttemptClock(undefined);
    clock.arm([{ afterMs: -5, cause: 'deadline' }]);
    vi.advanceTimersByTime(1);
    expect(clock.stopCause).toBe('deadline');
    clock.dispose();
  });

  it('keeps its first cause', () => {
    const caller = new AbortController();
    const clock = new AttemptClock(caller.signal);
    clock.stop('idle');
    caller.abort();
    clock.stop('deadline');
    expect(clock.stopCause).toBe('idle');
    clock.dispose();
  });

  it.each([
    ['left before', undefined, 'client_left'],
    ['left before, with a reason of its own', new Error('own'), 'client_left'],
    ['was ended by the shutdown', SHUTDOWN, 'shutdown'],
  ] as const)('follows a caller that %s', (_name, reason, cause) => {
    const gone = new AttemptClock(AbortSignal.abort(reason));
    expect(gone.stopCause).toBe(cause);
    gone.dispose();
    const caller = new AbortController();
    const clock = new AttemptClock(caller.signal);
    expect(clock.signal.aborted).toBe(false);
    caller.abort(reason);
    expect(clock.stopCause).toBe(cause);
    clock.dispose();
  });

  it('hears nothing after it was disposed of, and leaves no listener at the caller', () => {
    const caller = new AbortController();
    const remove = vi.spyOn(caller.signal, 'removeEventListener');
    const add = vi.spyOn(caller.signal, 'addEventListener');
    const clock = new AttemptClock(caller.signal);
    clock.arm([{ afterMs: 10, cause: 'idle' }]);
    clock.dispose();
    expect(remove.mock.calls[0]?.slice(0, 2)).toEqual(add.mock.calls[0]?.slice(0, 2));
    caller.abort();
    vi.advanceTimersByTime(100);
    expect(clock.signal.aborted).toBe(false);
  });
});
