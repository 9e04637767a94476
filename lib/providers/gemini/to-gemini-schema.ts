import { isJsonObject, listOf, objectOf, type JsonObject } from '../json-reading.js';

/** Members whose values are schemas, by how they hold them. */
const NAMED = new Set(['properties', '$defs', 'patternProperties']);
const LISTED = new Set(['anyOf', 'oneOf', 'prefixItems']);
const SINGLE = new Set(['items', 'additionalProperties']);

/**
 * A JSON Schema in the words Gemini reads in `responseJsonSchema` and `parametersJsonSchema`; what it does not read it
 * skips, so that other words stay. Not read, and said otherwise here: `const` (an `enum` of one), `definitions` (`$defs`),
 * `allOf` (merged), OpenAPI's `nullable`, words beside a `$ref`, `null` in an `enum`.
 */
export function toGeminiSchema(schema: JsonObject): JsonObject {
  return objectOf(convert(schema)) ?? {};
}

function convert(value: unknown): unknown {
  if (value === true) return {};
  if (!isJsonObject(value)) return value;
  const { $ref: reference, ...rest } = value;
  if (typeof reference === 'string') {
    const { $defs, definitions } = rest;
    const definitionsToKeep = convertNamed({ ...objectOf(definitions), ...objectOf($defs) });
    return {
      $ref: reference.replace(/^#\/definitions\//, '#/$defs/'),
      ...(Object.keys(definitionsToKeep).length > 0 ? { $defs: definitionsToKeep } : {}),
    };
  }
  return splitNull(mergeAll(sayInEnum(convertMembers(rest))));
}

function convertMembers(schema: JsonObject): JsonObject {
  const { definitions, ...rest } = schema;
  const members = isJsonObject(definitions)
    ? { ...rest, $defs: { ...definitions, ...objectOf(rest.$defs) } }
    : rest;
  return Object.fromEntries(
    Object.entries(members).map(([name, member]) => {
      if (NAMED.has(name) && isJsonObject(member)) return [name, convertNamed(member)];
      if (LISTED.has(name) || name === 'allOf') return [name, listOf(member).map(convert)];
      return [name, SINGLE.has(name) && typeof member !== 'boolean' ? convert(member) : member];
    }),
  );
}

function convertNamed(schemas: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, convert(schema)]));
}

/** Gemini's `enum` is for texts and numbers: another constant is its type, and a word to the model. */
function sayInEnum(schema: JsonObject): JsonObject {
  if (!('const' in schema)) return schema;
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

function describe(schema: JsonObject): string {
  return typeof schema.description === 'string' ? `${schema.description} ` : '';
}

function mergeAll(schema: JsonObject): JsonObject {
  if (!Array.isArray(schema.allOf)) return schema;
  const { allOf, ...rest } = schema;
  const parts = listOf(allOf).filter(isJsonObject);
  const [only] = parts;
  // A reference may have nothing beside it.
  if (parts.length === 1 && only?.$ref !== undefined && rest.properties === undefined) return only;
  return [...parts, rest].reduce<JsonObject>((merged, part) => {
    const properties = { ...objectOf(merged.properties), ...objectOf(part.properties) };
    const required = [...new Set([...listOf(merged.required), ...listOf(part.required)])];
    return {
      ...merged,
      ...part,
      ...(Object.keys(properties).length > 0 ? { properties } : {}),
      ...(required.length > 0 ? { required } : {}),
    };
  }, {});
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
  return {
    ...(description === undefined ? {} : { description }),
    anyOf: [...(Array.isArray(bare.anyOf) ? listOf(bare.anyOf) : [other]), { type: 'null' }],
  };
}
