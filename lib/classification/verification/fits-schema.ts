type Json = Readonly<Record<string, unknown>>;

/** So much work for one answer; what is not looked at by then passes. */
const MAX_STEPS = 200_000;
const MAX_DEPTH = 64;

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

/** JSON values only: what is equal is written alike, but for the order of members. */
function isSame(value: unknown, other: unknown): boolean {
  if (isList(value) && isList(other)) {
    return value.length === other.length && value.every((entry, index) => isSame(entry, other[index]));
  }
  if (isObject(value) && isObject(other)) {
    const names = Object.keys(value);
    return (
      names.length === Object.keys(other).length &&
      names.every((name) => Object.hasOwn(other, name) && isSame(value[name], other[name]))
    );
  }
  return value === other;
}

/**
 * Whether a JSON value fits a JSON Schema, as far as models are asked for them: types, members, items, choices, bounds and
 * references within the schema. Patterns and formats pass: a client's regular expression is not run. Bounded work.
 */
export function fitsSchema(value: unknown, schema: unknown): boolean {
  return new SchemaCheck(schema).fits(value, schema, 0);
}

class SchemaCheck {
  #steps = 0;

  constructor(private readonly root: unknown) {}

  fits(value: unknown, schema: unknown, depth: number): boolean {
    this.#steps += 1;
    if (schema === false) return false;
    if (!isObject(schema) || depth > MAX_DEPTH || this.#steps > MAX_STEPS) return true;
    return (
      this.fitsReference(value, schema, depth) &&
      this.fitsValue(value, schema) &&
      this.fitsCombination(value, schema, depth) &&
      (!isObject(value) || this.fitsMembers(value, schema, depth)) &&
      (!isList(value) || this.fitsItems(value, schema, depth))
    );
  }

  private fitsReference(value: unknown, { $ref: reference }: Json, depth: number): boolean {
    if (typeof reference !== 'string' || !reference.startsWith('#')) return true;
    let found: unknown = this.root;
    for (const part of reference.slice(1).split('/').filter(Boolean)) {
      const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
      if (!isObject(found) || !Object.hasOwn(found, name)) return true;
      found = found[name];
    }
    return this.fits(value, found, depth + 1);
  }

  private fitsValue(value: unknown, schema: Json): boolean {
    const { type, enum: choices } = schema;
    if (typeof type === 'string' && !isOfType(value, type)) return false;
    if (isList(type) && !type.some((one) => isOfType(value, one))) return false;
    if (isList(choices) && !choices.some((choice) => isSame(value, choice))) return false;
    if (Object.hasOwn(schema, 'const') && !isSame(value, schema.const)) return false;
    if (typeof value === 'number') {
      return (
        isWithin(value, schema.minimum, schema.maximum) &&
        (typeof schema.exclusiveMinimum !== 'number' || value > schema.exclusiveMinimum) &&
        (typeof schema.exclusiveMaximum !== 'number' || value < schema.exclusiveMaximum)
      );
    }
    if (typeof value !== 'string') return true;
    // In characters as they are written, not in halves of them.
    const isBounded = schema.minLength !== undefined || schema.maxLength !== undefined;
    return !isBounded || isWithin(Array.from(value).length, schema.minLength, schema.maxLength);
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
    if (
      isList(required) &&
      !required.every((name) => typeof name !== 'string' || Object.hasOwn(value, name))
    ) {
      return false;
    }
    const known = isObject(properties) ? properties : {};
    for (const [name, member] of Object.entries(value)) {
      if (Object.hasOwn(known, name)) {
        if (!this.fits(member, known[name], depth + 1)) return false;
      } else if (schema.patternProperties === undefined && !this.fits(member, others, depth + 1)) {
        return false;
      }
    }
    return isWithin(Object.keys(value).length, schema.minProperties, schema.maxProperties);
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

function isWithin(value: number, lowest: unknown, highest: unknown): boolean {
  return (typeof lowest !== 'number' || value >= lowest) && (typeof highest !== 'number' || value <= highest);
}
