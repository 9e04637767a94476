/** What every class has from the language itself. */
const ROOTS: ReadonlySet<object | null> = new Set<object | null>([
  Object.prototype,
  Function.prototype,
  null,
]);

type AnyMethod = (this: unknown, ...values: unknown[]) => unknown;

/** The methods of a prototype, or the static ones of a class, inherited ones too; the nearest of a name alone. */
export function methodsOf(
  holder: object,
): Map<PropertyKey, { method: AnyMethod; descriptor: PropertyDescriptor }> {
  const methods = new Map<PropertyKey, { method: AnyMethod; descriptor: PropertyDescriptor }>();
  const seen = new Set<PropertyKey>(['constructor', 'prototype']);
  for (
    let current: object | null = holder;
    !ROOTS.has(current) && current !== null;
    current = Object.getPrototypeOf(current) as object | null
  ) {
    for (const key of Reflect.ownKeys(current)) {
      const descriptor = Reflect.getOwnPropertyDescriptor(current, key);
      if (seen.has(key) || descriptor === undefined) continue;
      seen.add(key);
      const method: unknown = descriptor.value;
      if (typeof method === 'function') methods.set(key, { method: method as AnyMethod, descriptor });
    }
  }
  return methods;
}
