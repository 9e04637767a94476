import type { DiscoveryService } from '@nestjs/core';
import { discoveredClasses, FeatureSurfaces, surfacesOf } from '../nest/index.js';

/**
 * The names that `@Surface` carries in the application, without those that a feature configures. It is called before
 * any provider is made, so it reads classes, and values that were there before.
 */
export function declaredSurfaces(discovery: DiscoveryService): Set<string> {
  const declared = [...discoveredClasses(discovery)].flatMap((type) => surfacesOf(type));
  const names = new Set(declared.map(({ name }) => name));
  for (const { instance } of discovery.getProviders()) {
    const configured: unknown = instance instanceof FeatureSurfaces ? instance.surfaces : undefined;
    for (const name of Object.keys(configured ?? {})) names.delete(name);
  }
  return names;
}
