type Json = Readonly<Record<string, unknown>>;

/** So much work for one answer. Where that does not tell, nor so deep a look, the answer passes. */
const MAX_STEPS = 200_000;
const MAX_DEPTH = 64;
/** As long a text is read in the time of a step. */
const CHARACTERS_A_STEP = 16;

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

function isOfType(value: unknown, type: unknown): boolean {
  if (type === 'integer') return Number.isInteger(value);
  return typeOf(value) === type;
}

/** The work, or the depth, is over: nothing more is found out. */
class TooMuch extends Error {
  override readonly name = 'TooMuch';
}

/**
 * Whether a JSON value fits a JSON Schema, as far as models are asked for them: types, members, items, choices, bounds and
 * references within the schema. Patterns and formats pass: a client's regular expression is not run. Bounded work; what is
 * beyond it passes as a whole, since of a part nothing follows (under `not` it would be turned round).
 */
export function fitsSchema(value: unknown, schema: unknown): boolean {
  try {
    return new SchemaCheck(schema).fits(value, schema, 0);
  } catch (error) {
    if (error instanceof TooMuch) return true;
    throw error;
  }
}

class SchemaCheck {
  #steps = 0;

  constructor(private readonly root: unknown) {}

  fits(value: unknown, schema: unknown, depth: number): boolean {
    this.work(1);
    if (schema === false) return false;
    if (!isObject(schema)) return true;
    if (depth > MAX_DEPTH) throw new TooMuch();
    return (
      this.fitsReference(value, schema, depth) &&
      this.fitsValue(value, schema, depth) &&
      this.fitsCombination(value, schema, depth) &&
      (!isObject(value) || this.fitsMembers(value, schema, depth)) &&
      (!isList(value) || this.fitsItems(value, schema, depth))
    );
  }

  /** @throws {@link TooMuch}. */
  private work(steps: number): void {
    this.#steps += steps;
    if (this.#steps > MAX_STEPS) throw new TooMuch();
  }

  private read(text: string): void {
    this.work(Math.ceil(text.length / CHARACTERS_A_STEP));
  }

  /** JSON values only: what is equal is written alike, but for the order of members. */
  private isSame(value: unknown, other: unknown, depth: number): boolean {
    this.work(1);
    if (depth > MAX_DEPTH) throw new TooMuch();
    if (isList(value) && isList(other)) {
      return (
        value.length === other.length &&
        value.every((entry, index) => this.isSame(entry, other[index], depth + 1))
      );
    }
    if (isObject(value) && isObject(other)) {
      const names = this.namesOf(value);
      return (
        names.length === this.namesOf(other).length &&
        names.every((name) => Object.hasOwn(other, name) && this.isSame(value[name], other[name], depth + 1))
      );
    }
    if (typeof value === 'string' && typeof other === 'string' && value.length === other.length) {
      this.read(value);
    }
    return value === other;
  }

  private namesOf(value: Json): readonly string[] {
    const names = Object.keys(value);
    this.work(names.length);
    return names;
  }

  private fitsReference(value: unknown, { $ref: reference }: Json, depth: number): boolean {
    if (typeof reference !== 'string' || !reference.startsWith('#')) return true;
    this.read(reference);
    let found: unknown = this.root;
    for (const part of reference.slice(1).split('/').filter(Boolean)) {
      const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
      if (!isObject(found) || !Object.hasOwn(found, name)) return true;
      found = found[name];
    }
    return this.fits(value, found, depth + 1);
  }

  private fitsValue(value: unknown, schema: Json, depth: number): boolean {
    const { type, enum: choices } = schema;
    if (typeof type === 'string' && !isOfType(value, type)) return false;
    if (isList(type)) {
      this.work(type.length);
      if (!type.some((one) => isOfType(value, one))) return false;
    }
    if (isList(choices) && !choices.some((choice) => this.isSame(value, choice, depth))) return false;
    if (Object.hasOwn(schema, 'const') && !this.isSame(value, schema.const, depth)) return false;
    if (typeof value === 'number') {
      return (
        isWithin(value, schema.minimum, schema.maximum) &&
        (typeof schema.exclusiveMinimum !== 'number' || value > schema.exclusiveMinimum) &&
        (typeof schema.exclusiveMaximum !== 'number' || value < schema.exclusiveMaximum)
      );
    }
    if (typeof value !== 'string') return true;
    const isBounded = schema.minLength !== undefined || schema.maxLength !== undefined;
    if (!isBounded) return true;
    this.read(value);
    return isWithin(lengthOf(value), schema.minLength, schema.maxLength);
  }

  private fitsCombination(value: unknown, { anyOf, oneOf, allOf, not }: Json, depth: number): boolean {
    const fits = (schema: unknown): boolean => this.fits(value, schema, depth + 1);
    if (isList(allOf) && !allOf.every(fits)) return false;
    if (isList(anyOf) && !anyOf.some(fits)) return false;
    if (isList(oneOf) && oneOf.filter(fits).length !== 1) return false;
    return !isObject(not) || !fits(not);
  }

  private fitsMembers(value: Json, schema: Json, depth: number): boolean {
    const { required, properties, additionalProperties: others } = schema;
    if (isList(required)) {
      this.work(required.length);
      if (!required.every((name) => typeof name !== 'string' || Object.hasOwn(value, name))) return false;
    }
    const known = isObject(properties) ? properties : {};
    const names = this.namesOf(value);
    for (const name of names) {
      const member = value[name];
      if (Object.hasOwn(known, name)) {
        if (!this.fits(member, known[name], depth + 1)) return false;
      } else if (schema.patternProperties === undefined && !this.fits(member, others, depth + 1)) {
        return false;
      }
    }
    return isWithin(names.length, schema.minProperties, schema.maxProperties);
  }

  private fitsItems(value: readonly unknown[], schema: Json, depth: number): boolean {
    const first = isList(schema.prefixItems) ? schema.prefixItems : [];
    return (
      isWithin(value.length, schema.minItems, schema.maxItems) &&
      value.every((item, index) =>
        this.fits(item, index < first.length ? first[index] : schema.items, depth + 1),
      )
    );
  }
}

/** In characters as they are written, not in halves of them. */
function lengthOf(text: string): number {
  let length = 0;
  for (const _character of text) length += 1;
  return length;
}

function isWithin(value: number, lowest: unknown, highest: unknown): boolean {
  return (typeof lowest !== 'number' || value >= lowest) && (typeof highest !== 'number' || value <= highest);
}
