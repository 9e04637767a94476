import type { Readable } from 'node:stream';
import { type LlmRequestContext, runWithLlmContext } from '../context/index.js';

function isReadable(value: object): value is Readable {
  return '_read' in value && typeof value._read === 'function' && 'pipe' in value;
}

function isAsyncGenerator(value: object): value is AsyncGenerator {
  return Symbol.asyncIterator in value && 'next' in value && typeof value.next === 'function';
}

/**
 * Ties what a handler returned to its context: a stream or generator runs its body when somebody reads, which is after
 * the handler, outside its context.
 */
export function bindContext<Value>(value: Value, context: LlmRequestContext): Value {
  if (typeof value !== 'object' || value === null) return value;
  if ('getStream' in value && typeof value.getStream === 'function') {
    // Nest's StreamableFile.
    bindContext((value.getStream as () => unknown)(), context);
  } else if (isReadable(value)) {
    const read = value._read.bind(value);
    value._read = (size) => {
      runWithLlmContext(context, () => {
        read(size);
      });
    };
  } else if (isAsyncGenerator(value)) {
    for (const method of ['next', 'return', 'throw'] as const) {
      const original = value[method].bind(value) as (argument: unknown) => Promise<IteratorResult<unknown>>;
      value[method] = (argument: unknown) => runWithLlmContext(context, () => original(argument));
    }
  }
  return value;
}
