import type { DiscoveryService } from '@nestjs/core';

/** A class of the application, as far as it is looked into. */
export interface DiscoveredClass {
  readonly name: string;
  readonly prototype: object;
}

/**
 * The classes of all controllers and providers, each once; of those that a factory made or a value brought, as far as
 * they are there already.
 */
export function discoveredClasses(discovery: DiscoveryService): Set<DiscoveredClass> {
  const classes = new Set<DiscoveredClass>();
  for (const wrapper of [...discovery.getControllers(), ...discovery.getProviders()]) {
    const instance: unknown = wrapper.isDependencyTreeStatic() ? wrapper.instance : undefined;
    for (const type of [wrapper.metatype, classOf(instance)]) if (isClass(type)) classes.add(type);
  }
  return classes;
}

/** A factory provider's function has no prototype to look into. */
function isClass(type: unknown): type is DiscoveredClass {
  return typeof type === 'function' && typeof type.prototype === 'object' && type.prototype !== null;
}

function classOf(instance: unknown): unknown {
  if (typeof instance !== 'object' || instance === null) return undefined;
  const prototype: unknown = Object.getPrototypeOf(instance);
  return typeof prototype === 'object' && prototype !== null ? prototype.constructor : undefined;
}
