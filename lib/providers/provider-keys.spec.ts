import { inspect } from 'node:util';
import { beforeEach, describe, expect, it } from 'vitest';
import { ProviderError } from '../errors/provider-error.js';
import type { ProviderErrorKind } from '../errors/provider-error-kind.js';
import type { KeyLease } from './key-ring.js';
import { KEYS_AGE_MS, ProviderKeys, STARVED_AGE_MS } from './provider-keys.js';

const CANARY = 'canary-key';

/** A callback whose answers are given by the test. */
class Vault {
  asked = 0;
  #waiting: { resolve: (answer: unknown) => void; reject: (error: unknown) => void }[] = [];
  answer: (() => unknown) | undefined;

  readonly ask = (): unknown => {
    this.asked += 1;
    if (this.answer !== undefined) return this.answer();
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  };

  gives(answer: unknown): void {
    for (const { resolve } of this.#waiting.splice(0)) resolve(answer);
  }
}

describe('ProviderKeys from a callback', () => {
  const never = new AbortController().signal;
  let nowMs: number;
  let vault: Vault;
  let keys: ProviderKeys;

  beforeEach(() => {
    nowMs = 5_000_000;
    vault = new Vault();
    keys = new ProviderKeys({
      source: { from: 'callback', ask: vault.ask },
      nowMs: () => nowMs,
      callbackTimeoutMs: 50,
    });
  });

  async function call(kind?: ProviderErrorKind, signal = never): Promise<string | ProviderError> {
    let lease: KeyLease;
    try {
      lease = await keys.take(signal);
    } catch (error) {
      if (error instanceof ProviderError) return error;
      throw error;
    }
    const failure =
      kind === undefined
        ? undefined
        : await keys.failed(lease, new ProviderError({ kind, providerMessage: 'no' }), signal);
    keys.release(lease);
    return failure ?? lease.key;
  }

  it('is asked at the first call, once for all that come meanwhile', async () => {
    const calls = [call(), call(), call()];
    vault.gives('k');
    expect(await Promise.all(calls)).toEqual(['k', 'k', 'k']);
    expect(vault.asked).toBe(1);
  });

  it('is not asked while its answer is fresh, and again after a minute', async () => {
    vault.answer = () => `k${vault.asked}`;
    expect([await call(), await call()]).toEqual(['k1', 'k1']);
    nowMs += KEYS_AGE_MS - 1;
    expect(await call()).toBe('k1');
    nowMs += 1;
    expect([await call(), await call()]).toEqual(['k2', 'k2']);
    expect(keys.readSecrets()).toEqual(['k2', 'k1']);
  });

  it('takes lists, each key once', async () => {
    vault.answer = () => Promise.resolve(['k', 'l', 'k']);
    expect([await call(), await call(), await call()]).toEqual(['k', 'l', 'k']);
    expect(keys.health()).toMatchObject({ total: 2 });
  });

  it('is asked at once after a refusal, and the failure says that its key is ready', async () => {
    vault.answer = () => `k${vault.asked}`;
    const failure = await call('authentication');
    expect(failure).toMatchObject({ kind: 'authentication', otherKeyReady: true });
    expect((failure as ProviderError).readProviderMessage()).toBe('no');
    expect(await call()).toBe('k2');
    expect(vault.asked).toBe(2);
  });

  it('is not asked after failures that no key is to blame for', async () => {
    vault.answer = () => 'k';
    expect(await call('server_error')).toMatchObject({ otherKeyReady: false });
    expect(await call('rate_limited')).toMatchObject({ otherKeyReady: false });
    expect(vault.asked).toBe(1);
  });

  it('that gives the refused key again is asked once a second, until another comes', async () => {
    vault.answer = () => 'old';
    expect(await call('authentication')).toMatchObject({ otherKeyReady: false });
    expect(await call()).toMatchObject({ providerCode: 'no_usable_key', retryAfterMs: 60_000 });
    expect(vault.asked).toBe(2);
    nowMs += STARVED_AGE_MS;
    vault.answer = () => 'new';
    expect(await call()).toBe('new');
    expect(vault.asked).toBe(3);
  });

  describe.each<[string, (vault: Vault) => void]>([
    [
      'throws',
      (hostile) => {
        hostile.answer = () => {
          throw new Error(CANARY, { cause: CANARY });
        };
      },
    ],
    ['rejects', (hostile) => (hostile.answer = () => Promise.reject(new Error(CANARY)))],
    ['hangs', (hostile) => (hostile.answer = undefined)],
    ...[undefined, '', [], ['k', ''], 5, {}, 'a\nb', [['k']], Array(101).fill('k')].map(
      (answer, index): [string, (vault: Vault) => void] => [
        `gives no key (${index}: ${inspect(answer).slice(0, 20)})`,
        (hostile) => (hostile.answer = () => answer),
      ],
    ),
  ])('and one that %s', (_how, spoil) => {
    it('ends the call where there is no key at all, without a word of it', async () => {
      spoil(vault);
      const failure = await call();
      expect(failure).toMatchObject({ kind: 'authentication', providerCode: 'no_key', otherKeyReady: false });
      expect(failure).not.toHaveProperty('cause');
      expect(`${String(failure)} ${JSON.stringify(failure)} ${(failure as Error).stack ?? ''}`).not.toContain(
        CANARY,
      );
      // Asked again a second later, and not before.
      const { asked } = vault;
      vault.answer = () => 'late';
      expect(await call()).toBeInstanceOf(ProviderError);
      expect(vault.asked).toBe(asked);
      nowMs += STARVED_AGE_MS;
      expect(await call()).toBe('late');
    });

    it('keeps the last keys in use', async () => {
      vault.answer = () => 'last';
      await call();
      spoil(vault);
      nowMs += KEYS_AGE_MS;
      expect([await call(), await call()]).toEqual(['last', 'last']);
      expect(vault.asked).toBe(2);
    });
  });

  it('does not outlive the signal of the call that waits for it', async () => {
    const controller = new AbortController();
    const waiting = keys.take(controller.signal);
    const reason = new Error('gone');
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(keys.take(controller.signal)).rejects.toBe(reason);
    // The others get its answer all the same.
    const other = call();
    vault.gives('k');
    expect(await other).toBe('k');
    expect(vault.asked).toBe(1);
  });

  it('does not hide a refusal behind the end of the call', async () => {
    vault.answer = () => 'k';
    await call();
    vault.answer = undefined;
    const controller = new AbortController();
    const failed = call('authentication', controller.signal);
    await Promise.resolve();
    controller.abort(new Error('gone'));
    expect(await failed).toMatchObject({ kind: 'authentication', otherKeyReady: false });
  });

  it('is given up after its time, and what it says later is dropped', async () => {
    expect(await call()).toMatchObject({ providerCode: 'no_key' });
    vault.gives('late');
    nowMs += STARVED_AGE_MS;
    vault.answer = () => 'fresh';
    expect(await call()).toBe('fresh');
    expect(keys.readSecrets()).toEqual(['fresh']);
  });
});

describe('ProviderKeys from a list', () => {
  const never = new AbortController().signal;

  it('marks a failure where another key is usable now, for the kinds a key is to blame for', async () => {
    for (const [kind, otherKeyReady] of [
      ['rate_limited', true],
      ['authentication', true],
      ['billing', true],
      ['permission', true],
      ['server_error', false],
      ['overloaded', false],
      ['invalid_request', false],
      ['timeout', false],
    ] as const) {
      const keys = new ProviderKeys({ source: { from: 'list', keys: ['a', 'b'] } });
      const lease = await keys.take(never);
      const details = { kind, status: 400, providerCode: 'code', param: 'p', retryAfterMs: 5_000 };
      const failure = await keys.failed(
        lease,
        new ProviderError({ ...details, providerMessage: 'm' }),
        never,
      );
      expect(failure, kind).toMatchObject({ ...details, otherKeyReady });
      expect(Object.keys(failure)).toContain('otherKeyReady');
      expect(failure.readProviderMessage()).toBe('m');
    }
  });

  it('marks none once the other rests too', async () => {
    const keys = new ProviderKeys({ source: { from: 'list', keys: ['a', 'b'] } });
    const failure = new ProviderError({ kind: 'rate_limited', retryAfterMs: 30_000 });
    const leases = [await keys.take(never), await keys.take(never)];
    expect((await keys.failed(leases[0]!, failure, never)).otherKeyReady).toBe(true);
    expect((await keys.failed(leases[1]!, failure, never)).otherKeyReady).toBe(false);
  });
});
