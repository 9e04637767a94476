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
  const isIterator = 'next' in value && (Symbol.asyncIterator in value || Symbol.iterator in value);
  // What can be read more than once may be shared: each who returns it hands out one of their own.
  if (!isIterator && Symbol.asyncIterator in value && !isReadable(value)) {
    return boundIterable(value as object & AsyncIterable<unknown>, run) as Value;
  }
  if (isIterator && !Object.isExtensible(value)) return boundCopy(value, run) as Value;
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
  } else if (isIterator) {
    bindIterator(value, run);
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

/** A frozen iterator cannot be changed: what stands for it does nothing else. */
function boundCopy(iterator: object, run: RunInContext): object {
  const source = iterator as Partial<Record<'next' | 'return' | 'throw', unknown>>;
  const copy: Record<PropertyKey, unknown> = {
    [Symbol.asyncIterator in iterator ? Symbol.asyncIterator : Symbol.iterator]: () => copy,
  };
  for (const name of ['next', 'return', 'throw'] as const) {
    if (typeof source[name] === 'function') copy[name] = source[name].bind(iterator) as unknown;
  }
  bindIterator(copy, run);
  bound.add(copy);
  return copy;
}

/** The iterable itself but for its iterators. Its methods run on the original: private members are found on no proxy. */
function boundIterable(iterable: object & AsyncIterable<unknown>, run: RunInContext): object {
  const iterate = (): AsyncIterator<unknown> => {
    const iterator = run(() => iterable[Symbol.asyncIterator]());
    // It may be a generator that was given out before.
    if (bound.has(iterator)) return iterator;
    if (!Object.isExtensible(iterator)) return boundCopy(iterator, run) as AsyncIterator<unknown>;
    bindIterator(iterator, run);
    bound.add(iterator);
    return iterator;
  };
  const proxy = new Proxy(iterable, {
    get: (target, key) => {
      const own = Reflect.getOwnPropertyDescriptor(target, key);
      const value: unknown = Reflect.get(target, key, target);
      // Of what is fixed a proxy may give nothing else.
      if (own?.configurable === false && own.writable === false) return value;
      if (key === Symbol.asyncIterator) return iterate;
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
    set: (target, key, value) => Reflect.set(target, key, value, target),
  });
  bound.add(proxy);
  return proxy;
}
