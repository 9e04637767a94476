import { Ajv } from 'ajv';
import { hasShared, readShared } from './recordings.spec-support.js';

/** A user's own JSON Schema. */
const FREE_FORM = ['Tool.InputSchema', 'JSONOutputFormat'];
/** Gone from the newest types, since the newest models refuse them; older models go on taking them. */
const RETIRED = ['temperature', 'top_p'];

const OPTIONS = { strict: false, allErrors: true, validateFormats: false, logger: false } as const;
const ROOTS = {
  anthropic: ['provider-schema/anthropic-messages.schema.json', 'WireMessageCreateParams'],
  gemini: ['provider-schema/gemini-generatecontent.schema.json', 'WireGenerateContentRequest'],
} as const;

const checks = new Map<string, (body: unknown) => string[]>();

/** What a provider's published types have against a request of ours; every field of it must be one they name. */
export function complaintsOfRequest(wire: 'anthropic' | 'gemini', body: object): string[] {
  const check = checks.get(wire) ?? makeCheck(wire);
  checks.set(wire, check);
  const sent = JSON.parse(JSON.stringify(body)) as object;
  return check(
    Object.fromEntries(
      Object.entries(sent).filter(([name]) => wire !== 'anthropic' || !RETIRED.includes(name)),
    ),
  );
}

function makeCheck(wire: 'anthropic' | 'gemini'): (body: unknown) => string[] {
  const [path, root] = ROOTS[wire];
  const ajv = new Ajv(OPTIONS);
  ajv.addSchema(closeObjects(hasShared ? readShared(path) : {}) as object, 'schema');
  const validate = ajv.getSchema(`schema#/definitions/${root}`)!;
  return (body) => {
    void validate(body);
    return (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message ?? ''}`);
  };
}

/** The published types allow more fields than they name: ours must all be named. */
function closeObjects(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closeObjects);
  if (typeof schema !== 'object' || schema === null) return schema;
  const closed = Object.fromEntries(
    Object.entries(schema).map(([name, value]) => [
      name,
      FREE_FORM.includes(name) ? value : closeObjects(value),
    ]),
  );
  return 'properties' in closed && !('additionalProperties' in closed)
    ? { ...closed, additionalProperties: false }
    : closed;
}
