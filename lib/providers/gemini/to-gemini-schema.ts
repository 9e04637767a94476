import { SchemaJoiner, UnsayableSchemaError } from '../join-schemas.js';
import { isJsonObject, listOf, objectOf, type JsonObject } from '../json-reading.js';
import { hasEndlessRecursion, schemaAt } from './schema-recursion.js';

/** Members whose values are schemas, by how they hold them. */
const NAMED = new Set(['properties']);
const LISTED = new Set(['anyOf', 'oneOf', 'prefixItems']);
const SINGLE = new Set(['items', 'additionalProperties']);

/** How deep references may be written out inside each other. */
const MAX_OPEN = 64;

/**
 * What Google reads of a JSON Schema, as the reference of `responseJsonSchema` has it, and what binds no answer. Other
 * words are told to the model in the description.
 */
const READ_OR_SILENT: ReadonlySet<string> = new Set([
  ...[
    '$id',
    '$defs',
    '$ref',
    '$anchor',
    'type',
    'format',
    'title',
    'description',
    'enum',
    'items',
    'prefixItems',
  ],
  ...['minItems', 'maxItems', 'minimum', 'maximum', 'anyOf', 'oneOf', 'properties', 'additionalProperties'],
  ...['required', 'propertyOrdering'],
  ...[
    '$schema',
    '$comment',
    'default',
    'example',
    'examples',
    'deprecated',
    'readOnly',
    'writeOnly',
    'strict',
  ],
  'discriminator',
]);

/** Words that bind no answer: beside a `$ref`, which may have nothing beside it, they go. */
const SILENT_BESIDE_REFERENCE = [
  '$schema',
  '$comment',
  '$id',
  'title',
  'default',
  'example',
  'examples',
  'deprecated',
];

/** Words that say what an answer is made of: beside a `$ref` they are joined with what it means. */
const STRUCTURE = [
  ...['type', 'enum', 'const', 'items', 'prefixItems', 'properties', 'required', 'additionalProperties'],
  ...['patternProperties', 'anyOf', 'oneOf', 'allOf'],
];

/**
 * A JSON Schema in the words Gemini reads in `responseJsonSchema` and `parametersJsonSchema`. Said otherwise here:
 * `const` (an `enum` of one), `definitions` (`$defs`), `allOf` (joined into one), OpenAPI's `nullable`, words beside a
 * `$ref` (around it), `null` in an `enum`. What Google does not enforce (`pattern`, `minLength`, …) is told to the model
 * in the description.
 *
 * Undefined for what cannot be said: parts of an `allOf` that do not go into one, and recursion that no optional member
 * interrupts, which Google refuses.
 */
export function toGeminiSchema(schema: JsonObject): JsonObject | undefined {
  try {
    const converted = objectOf(new SchemaConverter(schema).convert(schema)) ?? {};
    return hasEndlessRecursion(converted) ? undefined : converted;
  } catch (error) {
    if (error instanceof UnsayableSchemaError) return undefined;
    throw error;
  }
}

class SchemaConverter {
  readonly #joiner: SchemaJoiner;
  /** References that are being written out: to meet one of them again is recursion. */
  readonly #open = new Set<unknown>();
  readonly #lookUp: (reference: string) => unknown;

  constructor(root: JsonObject) {
    this.#lookUp = (reference) => schemaAt(root, reference);
    this.#joiner = new SchemaJoiner(this.#lookUp);
  }

  convert(value: unknown): unknown {
    if (value === true) return {};
    if (!isJsonObject(value)) return value;
    const schema = withoutLoneAllOf(value);
    const { $ref: reference, $defs, definitions, ...beside } = schema;
    const isJoint =
      schema.allOf !== undefined ||
      (reference !== undefined && STRUCTURE.some((word) => beside[word] !== undefined));
    if (isJoint) return this.#joined(schema);
    if (reference === undefined) return tell(splitNull(sayInEnum(this.#members(schema))));
    if (typeof reference !== 'string') throw new UnsayableSchemaError();
    return {
      ...wrap(reference.replace(/^#\/definitions\//, '#/$defs/'), beside),
      ...this.#definitions($defs, definitions),
    };
  }

  #joined(schema: JsonObject): unknown {
    const { $defs, definitions } = schema;
    const joined = this.#joiner.join(schema);
    const targets = new Set([...joined.writtenOut].map(this.#lookUp));
    for (const target of targets) {
      if (this.#open.has(target) || this.#open.size > MAX_OPEN) throw new UnsayableSchemaError();
      this.#open.add(target);
    }
    const converted = this.convert(joined.schema);
    for (const target of targets) this.#open.delete(target);
    return { ...objectOf(converted), ...this.#definitions($defs, definitions) };
  }

  #definitions($defs: unknown, definitions: unknown): JsonObject {
    const all = this.#named({ ...objectOf(definitions), ...objectOf($defs) });
    return Object.keys(all).length > 0 ? { $defs: all } : {};
  }

  #members({ $defs, definitions, ...schema }: JsonObject): JsonObject {
    const members = Object.entries(schema).map(([name, member]) => {
      if (NAMED.has(name) && isJsonObject(member)) return [name, this.#named(member)];
      if (LISTED.has(name)) return [name, listOf(member).map((one) => this.convert(one))];
      return [name, SINGLE.has(name) && typeof member !== 'boolean' ? this.convert(member) : member];
    });
    return { ...(Object.fromEntries(members) as JsonObject), ...this.#definitions($defs, definitions) };
  }

  #named(schemas: JsonObject): JsonObject {
    return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, this.convert(schema)]));
  }
}

/** `allOf` of a single reference is how generators put words beside it. */
function withoutLoneAllOf(schema: JsonObject): JsonObject {
  const [only, ...others] = listOf(schema.allOf);
  const isLone =
    others.length === 0 &&
    isJsonObject(only) &&
    only.$ref !== undefined &&
    Object.keys(only).length === 1 &&
    schema.$ref === undefined;
  if (!isLone) return schema;
  const { allOf: _allOf, ...rest } = schema;
  return { ...rest, $ref: only.$ref };
}

/** Puts words that a reference may not have beside it around it. */
function wrap(reference: string, beside: JsonObject): JsonObject {
  const { nullable, ...words } = omit(beside, SILENT_BESIDE_REFERENCE);
  if (nullable !== true && Object.keys(words).length === 0) return { $ref: reference };
  return tell({
    ...words,
    anyOf: [{ $ref: reference }, ...(nullable === true ? [{ type: 'null' }] : [])],
  });
}

/** Puts into the description what Google does not read. */
function tell(schema: JsonObject): JsonObject {
  const unread = Object.keys(schema).filter((word) => !READ_OR_SILENT.has(word));
  if (unread.length === 0) return schema;
  const words = unread.map((word) => `${word}: ${JSON.stringify(schema[word])}`).join(', ');
  return { ...omit(schema, unread), description: `${describe(schema)}(${words})` };
}

function omit(schema: JsonObject, words: readonly string[]): JsonObject {
  const unwanted = new Set(words);
  return Object.fromEntries(Object.entries(schema).filter(([word]) => !unwanted.has(word)));
}

/** Gemini's `enum` is for texts and numbers: of another constant the type stays, and a word to the model. */
function sayInEnum(schema: JsonObject): JsonObject {
  if (!('const' in schema)) return schema.enum === undefined ? schema : sayFlags(schema);
  const { const: constant, ...rest } = schema;
  if (typeof constant === 'string' || typeof constant === 'number') {
    return { type: typeof constant, ...rest, enum: [constant] };
  }
  if (constant === null) {
    return { ...rest, type: 'null' };
  }
  return {
    ...rest,
    ...(typeof constant === 'boolean' ? { type: 'boolean' } : {}),
    description: `${describe(rest)}Always ${JSON.stringify(constant)}.`,
  };
}

function sayFlags(schema: JsonObject): JsonObject {
  const { enum: values, ...rest } = schema;
  const isSaid = listOf(values).every(
    (value) => value === null || ['string', 'number'].includes(typeof value),
  );
  if (isSaid) return schema;
  const isOfFlags = listOf(values).every((value) => typeof value === 'boolean');
  return {
    ...(isOfFlags ? { type: 'boolean' } : {}),
    ...rest,
    description: `${describe(rest)}(enum: ${JSON.stringify(values)})`,
  };
}

function describe(schema: JsonObject): string {
  return typeof schema.description === 'string' ? `${schema.description} ` : '';
}

/** `null` beside other values, in whichever way it is said, becomes a type of its own. */
function splitNull(schema: JsonObject): JsonObject {
  const { nullable, ...rest } = schema;
  const values = listOf(rest.enum);
  const hasNullValue = values.includes(null);
  if (nullable !== true && !hasNullValue) return schema;
  const types = [rest.type].flat().filter((type) => type !== undefined && type !== 'null');
  const { description, ...bare } = rest;
  const other: JsonObject = {
    ...bare,
    ...(types.length === 0 ? {} : { type: types.length === 1 ? types[0] : types }),
    ...(hasNullValue ? { enum: values.filter((value) => value !== null) } : {}),
  };
  const hasOnlyAlternatives = Array.isArray(bare.anyOf) && Object.keys(bare).length === 1;
  return {
    ...(description === undefined ? {} : { description }),
    anyOf: [...(hasOnlyAlternatives ? listOf(bare.anyOf) : [tell(other)]), { type: 'null' }],
  };
}
