import type { Readable } from 'node:stream';
import { StreamableFile } from '@nestjs/common';
import { isObservable, map, Observable } from 'rxjs';

/** Runs a callback in the asynchronous context that was current when this was made. */
export type RunInContext = <Result>(callback: () => Result) => Result;

/**
 * What has been bound already. What a handler returns passes several of us on its way, and a stream may be returned
 * again and again: a layer each time would have no end. The first to bind it was the innermost, and that one counts.
 */
const bound = new WeakSet<object>();

function isReadable(value: object): value is Readable {
  return '_read' in value && typeof value._read === 'function' && 'pipe' in value;
}

/**
 * Ties what a method returned to its context: an Observable, a stream, a generator or an async iterable does its work
 * when somebody subscribes or reads, which is after the method, outside its context.
 */
export function bindContext<Value>(value: Value, run: RunInContext): Value {
  if (typeof value !== 'object' || value === null) return value;
  // A Subject is more than what can be subscribed to; its holder may go on to feed it.
  if (isObservable(value)) return 'next' in value ? value : (bindObservable(value, run) as Value);
  if (bound.has(value)) return value;
  bound.add(value);
  if (value instanceof StreamableFile) {
    bindContext(value.getStream(), run);
  } else if (isReadable(value)) {
    const read = value._read.bind(value);
    value._read = (size) => {
      run(() => {
        read(size);
      });
    };
  } else if ('next' in value && (Symbol.asyncIterator in value || Symbol.iterator in value)) {
    bindIterator(value, run);
  } else if (Symbol.asyncIterator in value && Object.isExtensible(value)) {
    bindAsyncIterable(value as object & AsyncIterable<unknown>, run);
  }
  return value;
}

/** The same for what a promise brings; one of a kind of its own (an OpenAI client's) stays what it is. */
export function bindResult<Value>(value: Value, run: RunInContext): Value {
  return value instanceof Promise && value.constructor === Promise
    ? (value.then((result: unknown) => bindContext(result, run)) as Value)
    : bindContext(value, run);
}

function bindObservable(source: Observable<unknown>, run: RunInContext): Observable<unknown> {
  return new Observable((subscriber) =>
    run(() => source.pipe(map((item) => bindContext(item, run))).subscribe(subscriber)),
  );
}

/** Of either kind; `return` and `throw` need not be there. */
function bindIterator(iterator: object, run: RunInContext): void {
  const methods = iterator as Partial<Record<'next' | 'return' | 'throw', unknown>>;
  for (const name of ['next', 'return', 'throw'] as const) {
    const method = methods[name];
    if (typeof method !== 'function') continue;
    const original = method.bind(iterator) as (...values: unknown[]) => unknown;
    methods[name] = (...values: unknown[]) => run(() => original(...values));
  }
}

function bindAsyncIterable(iterable: object & AsyncIterable<unknown>, run: RunInContext): void {
  const iterate = iterable[Symbol.asyncIterator].bind(iterable);
  Object.defineProperty(iterable, Symbol.asyncIterator, {
    configurable: true,
    writable: true,
    value: () => {
      const iterator = run(iterate);
      // It may be a generator that was given out before.
      if (!bound.has(iterator)) bindIterator(iterator, run);
      bound.add(iterator);
      return iterator;
    },
  });
}
