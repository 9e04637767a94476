import { isRecord, listOf, recordOf, stringOf, type JsonRecord } from './json-value.js';

/** Bounds on what a schema from outside can make us build. */
const MAXIMUM_DEPTH = 24;
const MAXIMUM_VALUES = 2000;
const MAXIMUM_ITEMS = 16;
const MAXIMUM_LENGTH = 1000;

const TEXT_BY_FORMAT = new Map([
  ['date-time', '2026-01-01T00:00:00Z'],
  ['date', '2026-01-01'],
  ['time', '00:00:00Z'],
  ['duration', 'PT1S'],
  ['email', 'simulated@example.com'],
  ['hostname', 'example.com'],
  ['ipv4', '192.0.2.1'],
  ['ipv6', '2001:db8::1'],
  ['uri', 'https://example.com/simulated'],
  ['uuid', '00000000-0000-4000-8000-000000000000'],
]);

/**
 * The smallest value that a JSON Schema allows: required members only, the first of several alternatives. Understands
 * what structured outputs and tools use (`type` in any case, `const`, `enum`, local `$ref`, `anyOf`, `oneOf`, `allOf`,
 * bounds and common formats), not `pattern` or conditions. An absent schema gives an empty object.
 */
export function minimalInstance(schema: unknown): unknown {
  const root = schema;
  let valuesLeft = MAXIMUM_VALUES;

  return build(schema ?? { type: 'object' }, 0);

  function build(candidate: unknown, depth: number): unknown {
    valuesLeft -= 1;
    if (!isRecord(candidate) || depth > MAXIMUM_DEPTH || valuesLeft < 0) return null;
    if ('const' in candidate) return candidate.const;
    const options = listOf(candidate.enum);
    if (options.length > 0) return options[0];
    if (typeof candidate.$ref === 'string') return build(resolveReference(root, candidate.$ref), depth + 1);
    const alternatives = [...listOf(candidate.anyOf), ...listOf(candidate.oneOf)];
    if (alternatives.length > 0) {
      const preferred = alternatives.find((alternative) => typeOf(recordOf(alternative)) !== 'null');
      return build(preferred ?? alternatives[0], depth + 1);
    }
    const parts = listOf(candidate.allOf);
    if (parts.length > 0) return build(joinParts(candidate, parts), depth + 1);
    return buildTyped(candidate, depth);
  }

  function buildTyped(candidate: JsonRecord, depth: number): unknown {
    switch (typeOf(candidate)) {
      case 'object':
        return buildObject(candidate, depth);
      case 'array': {
        const length = Math.min(lowerBound(candidate.minItems, 0), MAXIMUM_ITEMS);
        return Array.from({ length }, () => build(candidate.items ?? { type: 'string' }, depth + 1));
      }
      case 'string':
        return buildText(candidate);
      case 'integer':
      case 'number':
        return buildNumber(candidate);
      case 'boolean':
        return false;
      case 'null':
        return null;
      default:
        return 'simulated';
    }
  }

  function buildObject(candidate: JsonRecord, depth: number): JsonRecord {
    const properties = recordOf(candidate.properties);
    const instance: JsonRecord = {};
    for (const name of listOf(candidate.required)) {
      if (typeof name !== 'string' || valuesLeft < 0) continue;
      Object.defineProperty(instance, name, {
        value: build(Object.hasOwn(properties, name) ? properties[name] : { type: 'string' }, depth + 1),
        enumerable: true,
        configurable: true,
        writable: true,
      });
    }
    return instance;
  }

  function joinParts(candidate: JsonRecord, parts: readonly unknown[]): JsonRecord {
    const { allOf: _parts, ...rest } = candidate;
    const joined: JsonRecord = { ...rest };
    for (const part of parts) {
      const resolved = recordOf(
        isRecord(part) && typeof part.$ref === 'string' ? resolveReference(root, part.$ref) : part,
      );
      const properties = { ...recordOf(joined.properties), ...recordOf(resolved.properties) };
      const required = [...new Set([...listOf(joined.required), ...listOf(resolved.required)])];
      Object.assign(joined, resolved, { properties, required });
    }
    return joined;
  }
}

function typeOf(schema: JsonRecord): string {
  const types = (Array.isArray(schema.type) ? listOf(schema.type) : [schema.type])
    .map((type) => stringOf(type).toLowerCase())
    .filter((type) => type !== '');
  const type = types.find((name) => name !== 'null') ?? types[0];
  if (type !== undefined) return type;
  if ('properties' in schema || 'required' in schema) return 'object';
  return 'items' in schema ? 'array' : '';
}

function buildText(schema: JsonRecord): string {
  const text = TEXT_BY_FORMAT.get(stringOf(schema.format)) ?? 'simulated';
  const shortest = Math.min(lowerBound(schema.minLength, 0), MAXIMUM_LENGTH);
  const longest = typeof schema.maxLength === 'number' ? Math.max(schema.maxLength, 0) : text.length;
  return text.padEnd(shortest, '.').slice(0, Math.max(longest, shortest));
}

function buildNumber(schema: JsonRecord): number {
  const step = typeof schema.multipleOf === 'number' && schema.multipleOf > 0 ? schema.multipleOf : 1;
  const exclusive =
    typeof schema.exclusiveMinimum === 'number' ? schema.exclusiveMinimum + step / 2 : -Infinity;
  const lowest = Math.max(lowerBound(schema.minimum, -Infinity), exclusive);
  const highest = typeof schema.maximum === 'number' ? schema.maximum : Infinity;
  if (lowest <= 0 && highest >= 0) return 0;
  if (lowest > 0) {
    const stepped = Math.ceil(lowest / step) * step;
    return stepped <= highest ? stepped : lowest;
  }
  return Math.floor(highest / step) * step;
}

function lowerBound(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise;
}

function resolveReference(root: unknown, reference: string): unknown {
  if (!reference.startsWith('#')) return undefined;
  let found: unknown = root;
  for (const step of reference.slice(1).split('/').slice(1)) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
    const holder = recordOf(found);
    found = Object.hasOwn(holder, name) ? holder[name] : undefined;
  }
  return found;
}
