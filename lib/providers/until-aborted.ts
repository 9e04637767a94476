/**
 * What the work comes to, or the signal's reason as soon as it aborts: for what cannot be told to stop, or does not
 * listen. The work itself goes on; leaves no listener behind, and what the work comes to later is dropped.
 */
export async function untilAborted<Value>(work: PromiseLike<Value>, signal: AbortSignal): Promise<Value> {
  let onAbort: (() => void) | undefined;
  try {
    return await new Promise<Value>((resolve, reject) => {
      onAbort = () => {
        // The caller's own reason, as it is.
        reject(signal.reason as Error);
      };
      if (signal.aborted) onAbort();
      else signal.addEventListener('abort', onAbort, { once: true });
      work.then(resolve, reject);
    });
  } finally {
    if (onAbort !== undefined) signal.removeEventListener('abort', onAbort);
  }
}
