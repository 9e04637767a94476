import { isJsonObject, listOf, objectOf, type JsonObject } from '../json-reading.js';

/** The schema that a reference inside `root` means (`#`, `#/$defs/a`); undefined for one that leads nowhere. */
export function schemaAt(root: JsonObject, reference: string): JsonObject | undefined {
  const [start, ...steps] = reference.split('/');
  if (start !== '#') return undefined;
  let value: unknown = root;
  for (const step of steps) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as JsonObject)[name];
  }
  return objectOf(value);
}

/**
 * Whether a converted schema comes back to itself without an optional member on the way. Google unrolls recursion and
 * has to be able to leave it out somewhere; alternatives with `null` are not enough for it.
 */
export function hasEndlessRecursion(root: JsonObject): boolean {
  const graph = readGraph(root);
  // Takes away what leads nowhere further, again and again: what stays goes round in a circle.
  const leadsTo = new Map([...graph].map(([schema, { always }]) => [schema, always.size]));
  const ledFrom = new Map([...graph.keys()].map((schema): [JsonObject, JsonObject[]] => [schema, []]));
  for (const [schema, { always }] of graph) {
    for (const target of always) ledFrom.get(target)?.push(schema);
  }
  const ended = [...leadsTo].filter(([, count]) => count === 0).map(([schema]) => schema);
  for (const schema of ended) {
    for (const source of ledFrom.get(schema) ?? []) {
      const left = (leadsTo.get(source) ?? 0) - 1;
      leadsTo.set(source, left);
      if (left === 0) ended.push(source);
    }
  }
  return ended.length < graph.size;
}

interface Targets {
  /** What is met wherever the schema is: not through an optional member. */
  readonly always: Set<JsonObject>;
  readonly all: Set<JsonObject>;
}

/** The root, and whatever is referred to from there, with what each refers to. */
function readGraph(root: JsonObject): Map<JsonObject, Targets> {
  const graph = new Map<JsonObject, Targets>();
  const waiting = new Set([root]);
  for (const schema of waiting) {
    const targets: Targets = { always: new Set(), all: new Set() };
    collect(root, schema, true, targets);
    graph.set(schema, targets);
    for (const target of targets.all) waiting.add(target);
  }
  return graph;
}

function collect(root: JsonObject, schema: unknown, isAlways: boolean, targets: Targets): void {
  if (!isJsonObject(schema)) return;
  const target = typeof schema.$ref === 'string' ? schemaAt(root, schema.$ref) : undefined;
  if (target !== undefined) {
    targets.all.add(target);
    if (isAlways) targets.always.add(target);
  }
  const required = new Set(listOf(schema.required));
  for (const [name, member] of Object.entries(objectOf(schema.properties) ?? {})) {
    collect(root, member, isAlways && required.has(name), targets);
  }
  const others = [schema.items, schema.additionalProperties].concat(
    listOf(schema.prefixItems),
    listOf(schema.anyOf),
    listOf(schema.oneOf),
  );
  for (const other of others) collect(root, other, isAlways, targets);
}
