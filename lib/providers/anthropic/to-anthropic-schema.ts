import { SchemaJoiner, UnsayableSchemaError } from '../join-schemas.js';
import { isJsonObject, listOf, objectOf, textOf, type JsonObject } from '../json-reading.js';

/** What Anthropic takes of one request's schema; beyond, it refuses the request. */
const MAX_OPTIONAL_PROPERTIES = 24;
const MAX_UNIONS = 16;

const STRING_FORMATS: ReadonlySet<unknown> = new Set([
  'date-time',
  'time',
  'date',
  'duration',
  'email',
  'hostname',
  'uri',
  'ipv4',
  'ipv6',
  'uuid',
]);

/** Members that say something of the schema, not of the answer. */
const SILENT_MEMBERS = ['$schema', '$id', '$comment', 'title', 'strict', 'examples', 'discriminator'];

const DEFINITION = /^#\/(?:\$defs|definitions)\/([^/]+)$/;

/** Definitions that refer to each other may nest deeper than the request does. */
const MAX_DEPTH = 256;

const TYPES: ReadonlySet<unknown> = new Set([
  'object',
  'array',
  'string',
  'integer',
  'number',
  'boolean',
  'null',
]);

/** Words that say what an answer is made of: they cannot be left to the description. */
const STRUCTURE = [
  '$ref',
  'allOf',
  'anyOf',
  'oneOf',
  'const',
  'enum',
  'properties',
  'required',
  'patternProperties',
  'additionalProperties',
  'items',
  'prefixItems',
];

/**
 * A JSON Schema as Anthropic's structured outputs take it: every object closed, alternatives under `anyOf`, definitions
 * under `$defs`, `allOf` and what stands beside a `$ref` joined into one, and bounds it does not enforce (`minimum`,
 * `pattern`, …) told to the model in the description.
 *
 * Undefined for what cannot be said so: objects with members of any name, recursion, tuples, a schema that takes
 * anything, a root that is no object, members beside alternatives, parts of an `allOf` that do not go into one, and
 * more optional members or alternatives than are allowed.
 */
export function toAnthropicSchema(schema: JsonObject): JsonObject | undefined {
  try {
    return new SchemaConverter(schema).convertRoot();
  } catch (error) {
    if (error instanceof UnsayableSchemaError) return undefined;
    throw error;
  }
}

class SchemaConverter {
  readonly #root: JsonObject;
  readonly #definitions: JsonObject;
  readonly #used = new Map<string, JsonObject>();
  /** Definitions that are being converted: to meet one of them again is recursion. */
  readonly #open = new Set<string>();
  #optionalProperties = 0;
  #unions = 0;
  #depth = 0;
  readonly #joiner = new SchemaJoiner((reference) => this.#definitions[this.#nameOf(reference)]);

  constructor(root: JsonObject) {
    this.#root = root;
    this.#definitions = { ...objectOf(root.definitions), ...objectOf(root.$defs) };
  }

  convertRoot(): JsonObject {
    const { $defs: _defs, definitions: _definitions, ...root } = this.#root;
    const isReference = '$ref' in root && Object.keys(omit(root, SILENT_MEMBERS)).length === 1;
    const converted = isReference ? this.#definition(this.#nameOf(root.$ref)) : this.#convert(root);
    if (converted.type !== 'object') throw new UnsayableSchemaError();
    const isTooMuch = this.#optionalProperties > MAX_OPTIONAL_PROPERTIES || this.#unions > MAX_UNIONS;
    if (isTooMuch) throw new UnsayableSchemaError();
    return this.#used.size === 0 ? converted : { ...converted, $defs: Object.fromEntries(this.#used) };
  }

  #nameOf(reference: unknown): string {
    const name = DEFINITION.exec(textOf(reference) ?? '')?.[1];
    if (name === undefined || !Object.hasOwn(this.#definitions, name)) throw new UnsayableSchemaError();
    return name;
  }

  #definition(name: string): JsonObject {
    const known = this.#used.get(name);
    if (known !== undefined) return known;
    const converted = this.#inside([name], this.#definitions[name]);
    this.#used.set(name, converted);
    return converted;
  }

  /** Converts what definitions of these names are made of. */
  #inside(names: readonly string[], value: unknown): JsonObject {
    for (const name of names) {
      if (this.#open.has(name)) throw new UnsayableSchemaError();
      this.#open.add(name);
    }
    const converted = this.#convert(value);
    for (const name of names) this.#open.delete(name);
    return converted;
  }

  #convert(value: unknown): JsonObject {
    if (!isJsonObject(value) || this.#depth > MAX_DEPTH) throw new UnsayableSchemaError();
    this.#depth += 1;
    const converted = this.#convertObject(omit(value, SILENT_MEMBERS));
    this.#depth -= 1;
    return converted;
  }

  #convertObject(schema: JsonObject): JsonObject {
    const { nullable, ...rest } = schema;
    if (schema.$ref !== undefined || schema.allOf !== undefined) {
      if (schema.$ref === undefined || Object.keys(schema).length > 1) return this.#joined(schema);
      const name = this.#nameOf(schema.$ref);
      this.#definition(name);
      return { $ref: `#/$defs/${name}` };
    }
    if (schema.anyOf !== undefined || schema.oneOf !== undefined) {
      return this.#alternatives(rest, nullable === true ? [{ type: 'null' }] : []);
    }
    const type = 'const' in schema ? typeOfValue(schema.const) : (schema.type ?? typeOfValues(schema.enum));
    if (Array.isArray(type)) return this.#union(schema.description, separate(schema, listOf(type)));
    if (nullable === true) return this.#union(schema.description, separate(schema, [type, 'null']));
    return this.#typed(omit(schema, ['nullable']), type);
  }

  #joined(schema: JsonObject): JsonObject {
    const joined = this.#joiner.join(schema);
    const names = new Set([...joined.writtenOut].map((reference) => this.#nameOf(reference)));
    return this.#inside([...names], joined.schema);
  }

  #alternatives(schema: JsonObject, further: readonly JsonObject[]): JsonObject {
    const { anyOf, oneOf, type, ...beside } = schema;
    // What stands beside alternatives would have to hold together with each of them.
    const isBound = STRUCTURE.some((word) => word in beside) || (anyOf !== undefined && oneOf !== undefined);
    if (isBound) throw new UnsayableSchemaError();
    const alternatives = listOf(anyOf ?? oneOf).map((alternative) => withType(alternative, type));
    const union = this.#union(undefined, [...alternatives, ...further]);
    return explain({ description: union.description, ...beside }, union);
  }

  #union(description: unknown, alternatives: readonly unknown[]): JsonObject {
    const [only, ...others] = alternatives;
    if (!isJsonObject(only)) throw new UnsayableSchemaError();
    if (others.length === 0) return this.#convert({ description, ...only });
    this.#unions += 1;
    return {
      ...(typeof description === 'string' ? { description } : {}),
      anyOf: alternatives.map((alternative) => this.#convert(alternative)),
    };
  }

  #typed(schema: JsonObject, type: unknown): JsonObject {
    switch (type) {
      case 'object':
        return this.#object(schema);
      case 'array':
        return this.#array(schema);
      case 'string':
        return STRING_FORMATS.has(schema.format)
          ? explain(schema, { type, format: schema.format, ...valuesOf(schema) })
          : explain(schema, { type, ...valuesOf(schema) });
      case 'integer':
      case 'number':
      case 'boolean':
      case 'null':
        return explain(schema, { type, ...valuesOf(schema) });
      default:
        throw new UnsayableSchemaError();
    }
  }

  #object(schema: JsonObject): JsonObject {
    const { properties, additionalProperties, patternProperties } = schema;
    const isOpen =
      (additionalProperties !== undefined && additionalProperties !== false) ||
      patternProperties !== undefined ||
      (!isJsonObject(properties) && additionalProperties !== false);
    if (isOpen) throw new UnsayableSchemaError();
    const members = Object.entries(objectOf(properties) ?? {});
    const required = new Set(listOf(schema.required));
    const optional = members.filter(([name]) => !required.has(name)).length;
    // A member that is required and of no kind: closed, the object could not be made.
    if (required.size > members.length - optional) throw new UnsayableSchemaError();
    this.#optionalProperties += optional;
    return explain(schema, {
      type: 'object',
      properties: Object.fromEntries(members.map(([name, member]) => [name, this.#convert(member)])),
      additionalProperties: false,
      ...(Array.isArray(schema.required) ? { required: schema.required } : {}),
    });
  }

  #array(schema: JsonObject): JsonObject {
    if (schema.prefixItems !== undefined) throw new UnsayableSchemaError();
    const hasLeast = schema.minItems === 0 || schema.minItems === 1;
    return explain(schema, {
      type: 'array',
      items: this.#convert(schema.items),
      ...(hasLeast ? { minItems: schema.minItems } : {}),
    });
  }
}

/** An alternative under the type that stands around all of them. */
function withType(alternative: unknown, type: unknown): unknown {
  if (type === undefined || !isJsonObject(alternative) || alternative.type === type) return alternative;
  return alternative.type === undefined ? { ...alternative, type } : { allOf: [alternative, { type }] };
}

/** One schema for each of several types, each with the values that are of it. */
function separate(schema: JsonObject, types: readonly unknown[]): JsonObject[] {
  const different = new Set(types);
  if ([...different].some((type) => !TYPES.has(type))) throw new UnsayableSchemaError();
  const rest = omit(schema, ['type', 'nullable', 'description', 'enum']);
  return [...different].flatMap((type): JsonObject[] => {
    if (!Array.isArray(schema.enum)) return [type === 'null' ? { type } : { ...rest, type }];
    const values = listOf(schema.enum).filter((value) => isOfType(value, type));
    return values.length === 0 ? [] : [{ ...rest, type, enum: values }];
  });
}

function typeOfValue(value: unknown): string {
  return value === null ? 'null' : typeof value;
}

function isOfType(value: unknown, type: unknown): boolean {
  return typeOfValue(value) === (type === 'integer' ? 'number' : type);
}

/** The type of an `enum` where the schema leaves it to the values; several where they are mixed. */
function typeOfValues(values: unknown): unknown {
  const types = [...new Set(listOf(values).map(typeOfValue))];
  return types.length === 1 ? types[0] : types;
}

function valuesOf(schema: JsonObject): JsonObject {
  return {
    ...('const' in schema ? { const: schema.const } : {}),
    ...(Array.isArray(schema.enum) ? { enum: schema.enum } : {}),
  };
}

/** Puts into the description what the converted schema does not say. */
function explain(schema: JsonObject, converted: JsonObject): JsonObject {
  const said = [
    ...Object.keys(converted),
    'type',
    'description',
    'additionalProperties',
    'properties',
    'default',
  ];
  const unsaid = Object.entries(omit(schema, said));
  const bounds = unsaid.map(([name, value]) => `${name}: ${JSON.stringify(value)}`).join(', ');
  const description = [textOf(schema.description), bounds === '' ? undefined : `(${bounds})`]
    .filter((text) => text !== undefined)
    .join(' ');
  return description === '' ? converted : { ...converted, description };
}

function omit(value: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)));
}
