import { ProviderError } from '../../errors/provider-error.js';
import { assertWithin, MAX_HELD_CHARACTERS } from '../answer-limits.js';
import { isJsonObject, listOf, textOf } from '../json-reading.js';

/** Entries of a list that may be left out: an index is the upstream's word, memory is ours. */
const MAX_GAP = 100;
/** What is to be written out again must not be deeper than a stack is high. */
const MAX_STEPS = 100;

type Container = Record<string, unknown> | unknown[];

/**
 * Puts function arguments together from `partialArgs`: values with the JSON path where they belong, long texts in
 * several pieces. Vertex sends them when asked to stream arguments, which we do not; a proxy may.
 */
export class PartialArguments {
  // Without a prototype a key such as `__proto__` is a key like any other.
  readonly #root = Object.create(null) as Record<string, unknown>;
  #openPath: string | undefined;
  #heldCharacters = 0;

  /** Takes whole arguments, as `args` has them. */
  assign(args: Readonly<Record<string, unknown>>): void {
    for (const [name, value] of Object.entries(args)) {
      this.#root[name] = value;
    }
  }

  /** @throws {@link ProviderError} of kind `bad_response` for a place that no arguments have, and for arguments without end. */
  take(partialArgs: unknown): void {
    for (const piece of listOf(partialArgs).filter(isJsonObject)) {
      const path = textOf(piece.jsonPath);
      const value =
        ['stringValue', 'numberValue', 'boolValue'].map((name) => piece[name]).find(isValue) ?? null;
      if (path !== undefined) {
        this.#heldCharacters += path.length + (textOf(value)?.length ?? 0);
        assertWithin(this.#heldCharacters, MAX_HELD_CHARACTERS, 'too_long');
        this.#set(path, value);
        this.#openPath = piece.willContinue === true ? path : undefined;
      }
    }
  }

  toJson(): string {
    return JSON.stringify(this.#root);
  }

  #set(path: string, value: unknown): void {
    const steps = parsePath(path);
    assertWithin(steps.length, MAX_STEPS, 'too_deep');
    const last = steps.pop();
    if (last === undefined) {
      return;
    }
    let container: Container = this.#root;
    for (const [position, step] of steps.entries()) {
      const next = steps[position + 1] ?? last;
      const inner: unknown = read(container, step);
      const opened: Container = isContainer(inner)
        ? inner
        : typeof next === 'number'
          ? []
          : (Object.create(null) as Record<string, unknown>);
      write(container, step, opened);
      container = opened;
    }
    const before = path === this.#openPath ? read(container, last) : undefined;
    write(container, last, typeof before === 'string' && typeof value === 'string' ? before + value : value);
  }
}

const isValue = (value: unknown): boolean => value !== undefined;
const isContainer = (value: unknown): value is Container => typeof value === 'object' && value !== null;

/** `$.recipe.steps[0]['a name']` as names and list indexes. */
function parsePath(path: string): (string | number)[] {
  const steps = path.matchAll(/\.([^.[\]]+)|\[(\d{1,6})\]|\['([^']*)'\]|\["([^"]*)"\]/g);
  return [...steps].map(([, name, index, quoted, doubleQuoted]) =>
    index === undefined ? (name ?? quoted ?? doubleQuoted ?? '') : Number(index),
  );
}

/** Of its own alone: whole arguments are ordinary objects, and `__proto__` would lead out of them. */
function read(container: Container, step: string | number): unknown {
  if (Array.isArray(container)) {
    return typeof step === 'number' ? container[step] : undefined;
  }
  return Object.hasOwn(container, step) ? container[step] : undefined;
}

function write(container: Container, step: string | number, value: unknown): void {
  if (!Array.isArray(container)) {
    Object.defineProperty(container, step, { value, writable: true, enumerable: true, configurable: true });
  } else if (typeof step === 'number' && step <= container.length + MAX_GAP) {
    container[step] = value;
  } else {
    throw new ProviderError({ kind: 'bad_response', providerCode: 'broken_arguments' });
  }
}
