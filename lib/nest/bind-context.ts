import type { Readable } from 'node:stream';
import { isObservable, map, Observable } from 'rxjs';

/** Runs a callback in the asynchronous context that was current when this was made. */
export type RunInContext = <Result>(callback: () => Result) => Result;

function isReadable(value: object): value is Readable {
  return '_read' in value && typeof value._read === 'function' && 'pipe' in value;
}

function isAsyncGenerator(value: object): value is AsyncGenerator {
  return Symbol.asyncIterator in value && 'next' in value && typeof value.next === 'function';
}

/**
 * Ties what a method returned to its context: an Observable, a stream or a generator does its work when somebody
 * subscribes or reads, which is after the method, outside its context.
 */
export function bindContext<Value>(value: Value, run: RunInContext): Value {
  if (typeof value !== 'object' || value === null) return value;
  // A Subject is more than what can be subscribed to; its holder may go on to feed it.
  if (isObservable(value) && !('next' in value)) {
    const source: Observable<unknown> = value;
    return new Observable((subscriber) =>
      run(() => source.pipe(map((item) => bindContext(item, run))).subscribe(subscriber)),
    ) as Value;
  }
  if ('getStream' in value && typeof value.getStream === 'function') {
    // Nest's StreamableFile.
    bindContext((value.getStream as () => unknown)(), run);
  } else if (isReadable(value)) {
    const read = value._read.bind(value);
    value._read = (size) => {
      run(() => {
        read(size);
      });
    };
  } else if (isAsyncGenerator(value)) {
    for (const method of ['next', 'return', 'throw'] as const) {
      const original = value[method].bind(value) as (argument: unknown) => Promise<IteratorResult<unknown>>;
      value[method] = (argument: unknown) => run(() => original(argument));
    }
  }
  return value;
}

/** The same for what a promise brings; one of a kind of its own (an OpenAI client's) stays what it is. */
export function bindResult<Value>(value: Value, run: RunInContext): Value {
  return value instanceof Promise && value.constructor === Promise
    ? (value.then((result: unknown) => bindContext(result, run)) as Value)
    : bindContext(value, run);
}
