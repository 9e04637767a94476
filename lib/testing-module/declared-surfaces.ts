import { type DiscoveryService, MetadataScanner } from '@nestjs/core';
import { FeatureSurfaces } from '../nest/index.js';
import { SURFACE_METADATA, type SurfaceMetadata } from '../nest/surface.metadata.js';

/**
 * The names that `@Surface` carries in the application, without those that a feature configures. Reads classes alone: it
 * is called before any provider is made.
 */
export function declaredSurfaces(discovery: DiscoveryService): Set<string> {
  const scanner = new MetadataScanner();
  const names = new Set<string>();
  const read = (target: unknown): void => {
    if (typeof target !== 'function') return;
    const metadata = Reflect.getMetadata(SURFACE_METADATA, target) as SurfaceMetadata | undefined;
    if (metadata !== undefined) names.add(metadata.name);
  };
  const wrappers = [...discovery.getControllers(), ...discovery.getProviders()];
  for (const { metatype } of wrappers) {
    read(metatype);
    const prototype: unknown = typeof metatype === 'function' ? metatype.prototype : undefined;
    if (typeof prototype !== 'object' || prototype === null) continue;
    for (const method of scanner.getAllMethodNames(prototype))
      read((prototype as Record<string, unknown>)[method]);
  }
  for (const { instance } of wrappers) {
    const configured: unknown = instance instanceof FeatureSurfaces ? instance.surfaces : undefined;
    for (const name of Object.keys(configured ?? {})) names.delete(name);
  }
  return names;
}
