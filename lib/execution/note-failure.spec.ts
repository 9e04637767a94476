import { describe, expect, it } from 'vitest';
import type { ProviderErrorKind } from '../errors/provider-error-kind.js';
import { ProviderError, type ProviderErrorDetails } from '../errors/provider-error.js';
import {
  attemptOf,
  modelOf,
  moment,
  type Name,
  NAMES,
  queueOf,
  scene,
} from './cascade-choice.spec-support.js';
import { type CascadeState, withCall } from './cascade-state.js';
import { causeOfEnd } from './cause-of-end.js';
import { type FailureToNote, noteFailure, type NotedFailure } from './note-failure.js';

function fail(
  state: CascadeState,
  name: Name,
  details: ProviderErrorDetails,
  stopCause?: FailureToNote['stopCause'],
): NotedFailure {
  const planned = attemptOf(state, name);
  return noteFailure(withCall(state, planned), moment(), {
    planned,
    error: new ProviderError(details),
    stopCause,
  });
}

const againOf = ({ state }: NotedFailure): string[] => state.again.map(({ planned }) => modelOf(planned));

describe('a failure', () => {
  it.each<ProviderErrorKind>([
    'rate_limited',
    'overloaded',
    'server_error',
    'timeout',
    'connection',
    'bad_response',
    'stream_cut',
  ])('that passes by itself leaves the deployment for later (%s)', (kind) => {
    const noted = fail(scene(), 'a', { kind });
    expect(noted.isFinal).toBe(false);
    expect(againOf(noted)).toEqual(['a']);
    expect(queueOf(noted.state)).toEqual(['b']);
    expect(noted.state.failures).toMatchObject([{ kind }]);
  });

  it.each<ProviderErrorKind>(['authentication', 'permission', 'billing', 'not_found'])(
    'that does not pass leaves the others alone (%s)',
    (kind) => {
      const noted = fail(scene(), 'a', { kind });
      expect(noted.isFinal).toBe(false);
      expect(againOf(noted)).toEqual([]);
    },
  );

  it.each<ProviderErrorKind>(['invalid_request', 'request_too_large', 'content_filter', 'context_length'])(
    'that is the fault of the caller is final where no other may answer (%s)',
    (kind) => {
      expect(fail(scene({ names: ['a'] }), 'a', { kind }).isFinal).toBe(true);
    },
  );

  it('of a key, where another is ready, puts the deployment first', () => {
    const noted = fail(scene(), 'a', { kind: 'rate_limited', otherKeyReady: true });
    expect(queueOf(noted.state)).toEqual(['a', 'b']);
    expect(againOf(noted)).toEqual([]);
  });

  it('is told from slowness', () => {
    expect(fail(scene(), 'a', { kind: 'timeout' }, 'moved_on').state.again).toMatchObject([{ isSlow: true }]);
    expect(fail(scene(), 'a', { kind: 'timeout' }, 'too_slow').state.again).toMatchObject([
      { isSlow: false },
    ]);
  });

  it('by the deadline is the end of the time', () => {
    expect(fail(scene(), 'a', { kind: 'timeout' }, 'deadline').state.isOverdue).toBe(true);
    expect(fail(scene(), 'a', { kind: 'timeout' }, 'too_slow').state.isOverdue).toBe(false);
  });
});

describe('the pause after it', () => {
  const pauseOf = (
    state: CascadeState,
    chance: number,
    details: Partial<ProviderErrorDetails> = {},
  ): number => {
    const planned = attemptOf(state, 'a');
    const error = new ProviderError({ kind: 'server_error', ...details });
    const at = moment({ random: () => chance });
    return (
      noteFailure(state, at, { planned, error, stopCause: undefined }).state.again.at(-1)!.notBeforeMs - 5_000
    );
  };

  it('is anything up to twice the one before, and has a ceiling', () => {
    let state = scene();
    for (const mostMs of [1_000, 2_000, 4_000, 4_000]) {
      expect(pauseOf(state, 0)).toBe(0);
      expect(pauseOf(state, 0.75)).toBe(mostMs * 0.75);
      state = fail(state, 'a', { kind: 'server_error' }).state;
    }
  });

  it('is that of the one that failed, not of the others', () => {
    const { state } = fail(fail(scene(), 'b', { kind: 'server_error' }).state, 'b', { kind: 'server_error' });
    expect(pauseOf(state, 0.5)).toBe(500);
  });

  it('is what the provider asks for', () => {
    expect(pauseOf(scene(), 0.5, { retryAfterMs: 30_000 })).toBe(30_000);
    expect(pauseOf(scene(), 0.5, { retryAfterMs: 0 })).toBe(500);
  });
});

describe('a prompt that is too long', () => {
  it('is sent to a larger window, and to no other', () => {
    // The windows grow with the letters.
    const { state, isFinal } = fail(scene({ names: ['b', 'a', 'c'] }), 'b', { kind: 'context_length' });
    expect(isFinal).toBe(false);
    expect(state.minWindow).toBe(2_000);
    expect(fail(scene({ names: ['b', 'a'] }), 'b', { kind: 'context_length' }).isFinal).toBe(true);
  });

  it('keeps to the largest that was too small', () => {
    const { state } = fail(scene({ names: [...NAMES] }), 'c', { kind: 'context_length' });
    expect(fail(state, 'a', { kind: 'context_length' }).state.minWindow).toBe(3_000);
  });

  it('goes to a larger window that failed before', () => {
    const { state } = fail(scene({ names: ['b', 'a'] }), 'b', { kind: 'server_error' });
    expect(fail(state, 'a', { kind: 'context_length' }).isFinal).toBe(false);
  });
});

describe('a content filter', () => {
  const withFilter = (names: readonly Name[], onContentFilter: 'next_model' | 'reject'): CascadeState => {
    const state = scene({ names });
    const { plan } = state.terms;
    return scene({ names, plan: { surface: { ...plan.surface, onContentFilter } } });
  };

  it('is asked of another model where the surface says so', () => {
    const error = { kind: 'content_filter' } as const;
    const noted = fail(withFilter(['a', 'b'], 'next_model'), 'a', error);
    expect(noted.isFinal).toBe(false);
    expect(againOf(noted)).toEqual([]);
    expect(fail(noted.state, 'b', error).isFinal).toBe(true);
    expect(fail(withFilter(['a', 'b'], 'reject'), 'a', error).isFinal).toBe(true);
  });
});

describe('what is told of the end', () => {
  it.each<[readonly ProviderErrorKind[], boolean, ReturnType<typeof causeOfEnd>]>([
    [[], false, 'failures'],
    [['server_error', 'rate_limited'], false, 'failures'],
    [['server_error', 'server_error'], false, 'failures'],
    [['rate_limited', 'rate_limited'], false, 'rate_limited'],
    [['context_length'], false, 'context_length'],
    [['context_length', 'rate_limited'], false, 'failures'],
    [['rate_limited'], true, 'deadline'],
    [[], true, 'deadline'],
  ])('%j, overdue: %s', (kinds, isOverdue, cause) => {
    expect(causeOfEnd(kinds, isOverdue)).toBe(cause);
  });
});
