import { isJsonObject, listOf, objectOf, type JsonObject } from './json-reading.js';

/** A schema, or a part of it, has no form that the provider takes. Caught where schemas are converted. */
export class UnsayableSchemaError extends Error {
  override readonly name = 'UnsayableSchemaError';
}

/** A schema in one piece, and the references that were written out in it. */
export interface JoinedSchema {
  readonly schema: JsonObject;
  readonly writtenOut: ReadonlySet<string>;
}

/** Of two bounds both hold where the tighter one does. */
const LOWER_BOUNDS: ReadonlySet<string> = new Set([
  'minimum',
  'exclusiveMinimum',
  'minLength',
  'minItems',
  'minProperties',
]);
const UPPER_BOUNDS: ReadonlySet<string> = new Set([
  'maximum',
  'exclusiveMaximum',
  'maxLength',
  'maxItems',
  'maxProperties',
]);

/** Words that bind no answer: the last to be said stands, and what is said around the parts goes last. */
const ANNOTATIONS: ReadonlySet<string> = new Set([
  'title',
  'description',
  'default',
  'example',
  'examples',
  'deprecated',
  'readOnly',
  'writeOnly',
  'strict',
  '$schema',
  '$id',
  '$comment',
]);

const MAX_REFERENCES_IN_A_ROW = 32;
/** In characters of JSON. Few definitions that refer to each other could be written out to gigabytes. */
const MAX_WRITTEN_OUT = 500_000;

/**
 * Joins a schema's `allOf`, and whatever stands beside its `$ref`, with it into one: members and `required` of all,
 * values in common, the tighter bounds. Only the top is joined: a member that several parts have becomes an `allOf` of
 * its own. Takes time in proportion to the parts. One joiner is for one request's schema.
 *
 * Parts that are closed (`additionalProperties: false`) are taken to be closed together, as generators mean them: by
 * the letter nothing would fit.
 */
export class SchemaJoiner {
  readonly #sizes = new Map<unknown, number>();
  #writtenOut = 0;

  /** @param lookUp The schema that a reference means; undefined for one that leads nowhere. */
  constructor(private readonly lookUp: (reference: string) => unknown) {}

  /**
   * @throws {@link UnsayableSchemaError} where two parts say what does not go into one schema, for a part that contains
   * itself, and where too much would be written out.
   */
  join(schema: JsonObject): JoinedSchema {
    const parts = new PartCollector((reference) => this.#writeOut(reference));
    parts.collect(schema);
    const joint = new JointSchema();
    for (const part of parts.found) joint.add(part);
    const joined = joint.finish();
    // OpenAPI writes it beside a reference, of which it does not hold by the letter.
    const isNullable =
      schema.nullable === true ||
      (parts.found.size > 0 && [...parts.found].every((part) => part.nullable === true));
    return {
      schema: isNullable ? { ...joined, nullable: true } : joined,
      writtenOut: parts.writtenOut,
    };
  }

  #writeOut(reference: string): unknown {
    const target = this.lookUp(reference);
    if (!isJsonObject(target)) throw new UnsayableSchemaError();
    const size = this.#sizes.get(target) ?? JSON.stringify(target).length;
    this.#sizes.set(target, size);
    this.#writtenOut += size;
    if (this.#writtenOut > MAX_WRITTEN_OUT) throw new UnsayableSchemaError();
    return target;
  }
}

/** Flattens references and `allOf`, each once: what is said twice is said. */
class PartCollector {
  readonly found = new Set<JsonObject>();
  readonly writtenOut = new Set<string>();
  readonly #open = new Set<string>();

  constructor(private readonly writeOut: (reference: string) => unknown) {}

  collect(part: unknown): void {
    if (part === true) return;
    if (!isJsonObject(part)) throw new UnsayableSchemaError();
    const { $ref: reference, allOf, $defs: _defs, definitions: _definitions, ...own } = part;
    if (reference !== undefined) this.#follow(reference);
    for (const inner of listOf(allOf)) this.collect(inner);
    if (Object.keys(own).length > 0) this.found.add(own);
  }

  #follow(reference: unknown): void {
    const isEndless = typeof reference === 'string' && this.#open.has(reference);
    if (typeof reference !== 'string' || isEndless || this.#open.size > MAX_REFERENCES_IN_A_ROW) {
      throw new UnsayableSchemaError();
    }
    if (this.writtenOut.has(reference)) return;
    this.writtenOut.add(reference);
    this.#open.add(reference);
    this.collect(this.writeOut(reference));
    this.#open.delete(reference);
  }
}

class JointSchema {
  readonly #words = new Map<string, unknown>();
  readonly #members = new Map<string, Set<unknown>>();
  readonly #items = new Set<unknown>();
  readonly #required = new Set<unknown>();
  #hasProperties = false;
  /** How many parts say something of an object's members. */
  #memberLists = 0;

  add(part: JsonObject): void {
    if (isJsonObject(part.properties) || isJsonObject(part.additionalProperties)) this.#memberLists += 1;
    for (const [word, value] of Object.entries(part)) this.#take(word, value);
  }

  finish(): JsonObject {
    // What one part asks of its further members would hold for the members of the others.
    if (this.#memberLists > 1 && isJsonObject(this.#words.get('additionalProperties'))) {
      throw new UnsayableSchemaError();
    }
    return {
      ...Object.fromEntries(this.#words),
      ...(this.#hasProperties
        ? { properties: Object.fromEntries([...this.#members].map(([name, all]) => [name, allOf(all)])) }
        : {}),
      ...(this.#items.size > 0 ? { items: allOf(this.#items) } : {}),
      ...(this.#required.size > 0 ? { required: [...this.#required] } : {}),
    };
  }

  #take(word: string, value: unknown): void {
    switch (word) {
      case 'properties':
        this.#hasProperties ||= isJsonObject(value);
        for (const [name, member] of Object.entries(objectOf(value) ?? {})) {
          this.#members.set(name, (this.#members.get(name) ?? new Set()).add(member));
        }
        break;
      case 'items':
        this.#items.add(value);
        break;
      case 'required':
        for (const name of listOf(value)) this.#required.add(name);
        break;
      case 'nullable':
        break;
      default:
        this.#words.set(word, this.#words.has(word) ? both(word, this.#words.get(word), value) : value);
    }
  }
}

function allOf(schemas: ReadonlySet<unknown>): unknown {
  const [only] = schemas;
  return schemas.size === 1 ? only : { allOf: [...schemas] };
}

/** What says as much as two values of one word. */
function both(word: string, one: unknown, other: unknown): unknown {
  if (ANNOTATIONS.has(word)) return other;
  if (word === 'type') return typeInCommon(one, other);
  if (word === 'enum') return inCommon(listOf(one), listOf(other));
  if (word === 'additionalProperties') {
    if (one === true) return other;
    if (other === true) return one;
  }
  if (typeof one === 'number' && typeof other === 'number') {
    if (LOWER_BOUNDS.has(word)) return Math.max(one, other);
    if (UPPER_BOUNDS.has(word)) return Math.min(one, other);
  }
  if (one === other || JSON.stringify(one) === JSON.stringify(other)) return one;
  throw new UnsayableSchemaError();
}

function typeInCommon(one: unknown, other: unknown): unknown {
  const [types, otherTypes] = [one, other].map((type) => [type].flat());
  const isNumber = (all: readonly unknown[] | undefined): boolean => all?.includes('number') ?? false;
  // Every whole number is a number.
  const widened = (all: readonly unknown[] = []): readonly unknown[] =>
    isNumber(all) ? [...all, 'integer'] : all;
  const common = inCommon(widened(types), widened(otherTypes));
  const named = common.filter((type) => type !== 'integer' || !common.includes('number'));
  return named.length === 1 ? named[0] : named;
}

function inCommon(values: readonly unknown[], others: readonly unknown[]): readonly unknown[] {
  const allowed = new Set(others.map((value) => JSON.stringify(value)));
  const common = [...new Set(values)].filter((value) => allowed.has(JSON.stringify(value)));
  if (common.length === 0) throw new UnsayableSchemaError();
  return common;
}
