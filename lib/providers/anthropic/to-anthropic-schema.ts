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
const SILENT_MEMBERS = ['$schema', '$id', '$comment', 'title', 'strict', 'examples'];

const DEFINITION = /^#\/(?:\$defs|definitions)\/([^/]+)$/;

/** Thrown and caught in this file: the schema says what structured outputs cannot. */
class Inexpressible extends Error {}

/**
 * A JSON Schema as Anthropic's structured outputs take it: every object closed, alternatives under `anyOf`, definitions
 * under `$defs`, and bounds it does not enforce (`minimum`, `pattern`, …) told to the model in the description.
 *
 * Undefined for what cannot be said so: objects with members of any name, recursion, tuples, a schema that takes
 * anything, a root that is no object, and more optional members or alternatives than are allowed.
 */
export function toAnthropicSchema(schema: JsonObject): JsonObject | undefined {
  try {
    return new SchemaConverter(schema).convertRoot();
  } catch (error) {
    if (error instanceof Inexpressible) return undefined;
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

  constructor(root: JsonObject) {
    this.#root = root;
    this.#definitions = { ...objectOf(root.definitions), ...objectOf(root.$defs) };
  }

  convertRoot(): JsonObject {
    const name = this.#nameOf(this.#root.$ref);
    const { $defs: _defs, definitions: _definitions, ...root } = this.#root;
    const converted = name === undefined ? this.#convert(root) : this.#definition(name);
    if (converted.type !== 'object') throw new Inexpressible();
    const isTooMuch = this.#optionalProperties > MAX_OPTIONAL_PROPERTIES || this.#unions > MAX_UNIONS;
    if (isTooMuch) throw new Inexpressible();
    return this.#used.size === 0 ? converted : { ...converted, $defs: Object.fromEntries(this.#used) };
  }

  #nameOf(reference: unknown): string | undefined {
    if (reference === undefined) return undefined;
    const name = DEFINITION.exec(textOf(reference) ?? '')?.[1];
    if (name === undefined || !Object.hasOwn(this.#definitions, name)) throw new Inexpressible();
    return name;
  }

  #definition(name: string): JsonObject {
    const known = this.#used.get(name);
    if (known !== undefined) return known;
    if (this.#open.has(name)) throw new Inexpressible();
    this.#open.add(name);
    const converted = this.#convert(this.#definitions[name]);
    this.#open.delete(name);
    this.#used.set(name, converted);
    return converted;
  }

  #convert(value: unknown): JsonObject {
    if (!isJsonObject(value)) throw new Inexpressible();
    const schema = omit(value, SILENT_MEMBERS);
    const name = this.#nameOf(schema.$ref);
    if (name !== undefined) {
      this.#definition(name);
      return { $ref: `#/$defs/${name}` };
    }
    const alternatives = schema.anyOf ?? schema.oneOf;
    if (alternatives !== undefined) {
      // Members beside alternatives would have to hold together with each of them.
      if (schema.properties !== undefined) throw new Inexpressible();
      return this.#union(schema.description, listOf(alternatives));
    }
    if (schema.allOf !== undefined) return this.#intersection(schema);
    const type = 'const' in schema ? typeOfValue(schema.const) : (schema.type ?? typeOfValues(schema.enum));
    if (Array.isArray(type)) return this.#union(schema.description, separate(schema, listOf(type)));
    if (schema.nullable === true) return this.#union(schema.description, separate(schema, [type, 'null']));
    return this.#typed(omit(schema, ['nullable']), type);
  }

  #union(description: unknown, alternatives: readonly unknown[]): JsonObject {
    const [only, ...others] = alternatives;
    if (!isJsonObject(only)) throw new Inexpressible();
    if (others.length === 0) return this.#convert({ description, ...only });
    this.#unions += 1;
    return {
      ...(typeof description === 'string' ? { description } : {}),
      anyOf: alternatives.map((alternative) => this.#convert(alternative)),
    };
  }

  #intersection(schema: JsonObject): JsonObject {
    const [only, ...others] = listOf(schema.allOf);
    if (!isJsonObject(only) || others.length > 0) throw new Inexpressible();
    return this.#convert({ ...only, ...omit(schema, ['allOf']) });
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
        throw new Inexpressible();
    }
  }

  #object(schema: JsonObject): JsonObject {
    const { properties, additionalProperties, patternProperties, required } = schema;
    const isOpen =
      (additionalProperties !== undefined && additionalProperties !== false) ||
      patternProperties !== undefined ||
      (!isJsonObject(properties) && additionalProperties !== false);
    if (isOpen) throw new Inexpressible();
    const members = Object.entries(objectOf(properties) ?? {});
    this.#optionalProperties += members.filter(([name]) => !listOf(required).includes(name)).length;
    return explain(schema, {
      type: 'object',
      properties: Object.fromEntries(members.map(([name, member]) => [name, this.#convert(member)])),
      additionalProperties: false,
      ...(Array.isArray(required) ? { required } : {}),
    });
  }

  #array(schema: JsonObject): JsonObject {
    if (schema.prefixItems !== undefined) throw new Inexpressible();
    const hasLeast = schema.minItems === 0 || schema.minItems === 1;
    return explain(schema, {
      type: 'array',
      items: this.#convert(schema.items),
      ...(hasLeast ? { minItems: schema.minItems } : {}),
    });
  }
}

/** One schema for each of several types, each with the values that are of it. */
function separate(schema: JsonObject, types: readonly unknown[]): JsonObject[] {
  const rest = omit(schema, ['type', 'nullable', 'description', 'enum']);
  return types.flatMap((type): JsonObject[] => {
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
