/** How a property of an options class nests another options class. */
export interface SectionDescription {
  readonly kind: 'section' | 'list' | 'one-or-many' | 'map';
  readonly type: () => new () => object;
  /** Of a map: each name may have a list of them. */
  readonly hasLists?: boolean;
  /** Of a section: a string alone is this key of it. */
  readonly shorthand?: string;
}

const sections = new WeakMap<object, Map<string, SectionDescription>>();
const unsupported = new WeakMap<object, Map<string, string>>();

function remember(prototype: object, property: string | symbol, description: SectionDescription): void {
  const known = sections.get(prototype) ?? new Map<string, SectionDescription>();
  known.set(String(property), description);
  sections.set(prototype, known);
}

/**
 * The property is one object of the given options class.
 *
 * @param shorthand - The key that a string alone stands for.
 */
export function Section(type: () => new () => object, shorthand?: string): PropertyDecorator {
  return (prototype, property) => {
    remember(prototype, property, {
      kind: 'section',
      type,
      ...(shorthand === undefined ? {} : { shorthand }),
    });
  };
}

/** The property is a list of objects of the given options class. */
export function SectionList(type: () => new () => object): PropertyDecorator {
  return (prototype, property) => {
    remember(prototype, property, { kind: 'list', type });
  };
}

/** The property is one object of the given options class, or a list of them. */
export function SectionOneOrMany(type: () => new () => object): PropertyDecorator {
  return (prototype, property) => {
    remember(prototype, property, { kind: 'one-or-many', type });
  };
}

/**
 * The property maps names that users invent to objects of the given options class.
 *
 * @param entries - `many`: or to a list of them.
 */
export function SectionMap(type: () => new () => object, entries: 'one' | 'many' = 'one'): PropertyDecorator {
  return (prototype, property) => {
    remember(prototype, property, { kind: 'map', type, hasLists: entries === 'many' });
  };
}

/**
 * Keys of the design whose feature is not built yet: refused by name, never ignored.
 *
 * @param keys - Key and what to do meanwhile.
 */
export function NotSupportedYet(keys: Readonly<Record<string, string>>): ClassDecorator {
  return (target) => {
    unsupported.set(target, new Map(Object.entries(keys)));
  };
}

/** Those of the classes it extends too. */
export function sectionsOf(type: new () => object): ReadonlyMap<string, SectionDescription> {
  const found = new Map<string, SectionDescription>();
  for (
    let prototype = type.prototype as object | null;
    prototype !== null;
    prototype = Object.getPrototypeOf(prototype) as object | null
  ) {
    for (const [property, description] of sections.get(prototype) ?? []) {
      if (!found.has(property)) found.set(property, description);
    }
  }
  return found;
}

export function unsupportedKeysOf(type: new () => object): ReadonlyMap<string, string> {
  return unsupported.get(type) ?? new Map<string, string>();
}
