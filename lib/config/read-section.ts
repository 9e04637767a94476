import 'reflect-metadata';
import { plainToInstance } from 'class-transformer';
import { validateSync } from './class-validator.js';
import type { ConfigurationIssue } from '../errors/configuration-error.js';
import { type ExpansionContext, expandEnvironment } from './expand-environment.js';
import { describeUnknownKey } from './describe-unknown-key.js';
import { fold } from './fold.js';
import { knownKeys } from './known-keys.js';
import { sectionsOf, unsupportedKeysOf } from './section.decorators.js';

/** What reading needs beside the value itself, and what it finds. */
export class ReadingContext implements ExpansionContext {
  readonly issues: ConfigurationIssue[] = [];
  readonly expanded = new Map<string, string>();
  /** Some value has a wrong type or range: the instance would mislead whoever reads on. */
  hasBadValues = false;

  constructor(readonly environment: NodeJS.ProcessEnv) {}
}

/** An object literal or a parsed file's object; a class instance counts too, a list does not. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

function refuseValue(context: ReadingContext, path: string, message: string): void {
  context.issues.push({ path, message });
  context.hasBadValues = true;
}

function typeName(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  return Array.isArray(value) ? 'a list' : `a ${typeof value}`;
}

/** Why a value cannot be the whole configuration, or undefined where it can be looked into. */
export function refusalOfWhole(raw: unknown): string | undefined {
  if (raw === undefined || raw === null) {
    return `must be an object, not ${typeName(raw)}: the factory returned nothing, or the options are missing`;
  }
  // It has no keys of its own and would pass for an empty configuration.
  if (isRecord(raw) && typeof raw.then === 'function') {
    return 'is a Promise: await it, or give it to `forRootAsync({ useFactory })`';
  }
  return isRecord(raw) ? undefined : `must be an object, not ${typeName(raw)}`;
}

/**
 * Reads one object into an options class: keys in any spelling, `${ENV}` expanded, every problem noted by its path.
 * The instance is whole only if no issue was noted, and fit to be looked into only without bad values.
 */
export function readSection<Options extends object>(
  type: new () => Options,
  raw: unknown,
  path: string,
  context: ReadingContext,
): Options {
  const refusal = path === '' ? refusalOfWhole(raw) : undefined;
  if (!isRecord(raw) || refusal !== undefined) {
    refuseValue(context, path, refusal ?? `must be an object, not ${typeName(raw)}`);
    return new type();
  }
  const known = knownKeys(type);
  const unsupported = new Map(
    [...unsupportedKeysOf(type)].map(([key, advice]) => [fold(key), { key, advice }]),
  );
  const sections = sectionsOf(type);
  const values: Record<string, unknown> = {};
  const asGiven: Record<string, unknown> = {};
  const nested: Record<string, unknown> = {};
  const spelling = new Map<string, string>();

  for (const [key, value] of Object.entries(raw)) {
    if (value === undefined) continue;
    const folded = fold(key);
    const property = known.get(folded);
    if (property === undefined) {
      const notYet = unsupported.get(folded);
      context.issues.push({
        path: join(path, key),
        message: notYet
          ? `not supported in this version${notYet.advice === '' ? '' : `: ${notYet.advice}`}`
          : describeUnknownKey(key, type, path === ''),
      });
      continue;
    }
    const earlier = spelling.get(property);
    if (earlier !== undefined) {
      context.issues.push({
        path: join(path, key),
        message: `the same key is already given as "${earlier}"`,
      });
      continue;
    }
    spelling.set(property, key);
    const valuePath = join(path, property);
    if (value === null) {
      // YAML's empty value. Passed over, a floor whose number was forgotten would silently be none.
      context.issues.push({ path: valuePath, message: 'has no value: give it one, or remove the key' });
      nested[property] = undefined;
      continue;
    }
    const section = sections.get(property);
    if (section === undefined && isInstance(value)) {
      asGiven[property] = value;
    } else if (section === undefined) {
      values[property] = expandValue(value, valuePath, context);
    } else if (section.kind === 'section') {
      nested[property] = readSection(section.type(), value, valuePath, context);
    } else if (section.kind === 'one-or-many') {
      nested[property] = readOneOrMany(section.type(), value, valuePath, context);
    } else if (section.kind === 'list') {
      if (Array.isArray(value)) {
        nested[property] = readList(section.type(), value, valuePath, context);
      } else {
        // Given, though wrongly: nothing further is to be said of its absence.
        nested[property] = [];
        refuseValue(context, valuePath, `must be a list, not ${typeName(value)}`);
      }
    } else if (isRecord(value)) {
      // Without a prototype: a surface may well be called `constructor`.
      const map = Object.create(null) as Record<string, unknown>;
      for (const [name, entry] of Object.entries(value)) {
        if (entry === undefined) continue;
        const read = section.hasLists === true ? readOneOrMany : readSection;
        map[name] = read(section.type(), entry ?? {}, join(valuePath, name), context);
      }
      nested[property] = map;
    } else {
      refuseValue(context, valuePath, `must be an object, not ${typeName(value)}`);
    }
  }

  const instance = plainToInstance(type, values, { exposeDefaultValues: true });
  Object.assign(instance, asGiven);
  // A section may be made of sections alone: the validator does not know it then.
  const how = { skipUndefinedProperties: false, stopAtFirstError: true, forbidUnknownValues: false };
  for (const failure of validateSync(instance, how)) {
    if (failure.property in nested) continue;
    const messages = Object.values(failure.constraints ?? {});
    refuseValue(context, join(path, failure.property), messages.join('; '));
  }
  for (const [property, value] of Object.entries(nested)) {
    if (value !== undefined) Object.assign(instance, { [property]: value });
  }
  return instance;
}

/** What only code can give, and what a copy of would be another thing. */
function isInstance(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype !== null && prototype !== Object.prototype;
}

function readList(
  type: new () => object,
  entries: readonly unknown[],
  path: string,
  context: ReadingContext,
): object[] {
  return entries.map((entry, index) => readSection(type, entry, `${path}[${index}]`, context));
}

function readOneOrMany(
  type: new () => object,
  value: unknown,
  path: string,
  context: ReadingContext,
): object | object[] {
  return Array.isArray(value)
    ? readList(type, value, path, context)
    : readSection(type, value, path, context);
}

function expandValue(value: unknown, path: string, context: ReadingContext): unknown {
  if (typeof value === 'string') return expandEnvironment(value, path, context);
  if (Array.isArray(value)) {
    return value.map((entry, index) => expandValue(entry, `${path}[${index}]`, context));
  }
  return value;
}
