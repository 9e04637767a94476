import { ProviderError } from '../errors/provider-error.js';

/**
 * What looking for credentials comes to, or a {@link ProviderError} of kind `authentication` (`token_timeout`) after the
 * time given. The search itself goes on, for the makers' libraries cannot be told to stop: `forget` has to see to it
 * that nobody waits for it again. What becomes of it afterwards is nobody's unhandled rejection. The timer keeps no
 * process alive.
 *
 * @param timeoutMs - Milliseconds from now.
 * @param forget - Called once, before the error is thrown, and only then.
 */
export function untilTokenTimeout<T>(work: Promise<T>, timeoutMs: number, forget: () => void): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => {
      forget();
      reject(new ProviderError({ kind: 'authentication', providerCode: 'token_timeout' }));
    }, timeoutMs).unref();
    work.then(resolve, reject).finally(() => {
      clearTimeout(timer);
    });
  });
}
