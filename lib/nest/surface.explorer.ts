import { Injectable } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { type DiscoveredClass, discoveredClasses } from './discovered-classes.js';
import { methodsOf } from './methods-of.js';
import { SURFACE_METADATA, type SurfaceMetadata, type SurfaceOverrides } from './surface.metadata.js';

/** A `@Surface` somewhere in the application. */
export interface DeclaredSurface {
  readonly name: string;
  readonly overrides: SurfaceOverrides;
  /** `ChatController` or `ChatController.answer`. */
  readonly where: string;
}

/** Finds every `@Surface` of the application's controllers and providers. */
@Injectable()
export class SurfaceExplorer {
  constructor(private readonly discovery: DiscoveryService) {}

  find(): DeclaredSurface[] {
    return [...discoveredClasses(this.discovery)].flatMap((type) => surfacesOf(type));
  }
}

/** Those of one class, its methods and its static methods. */
export function surfacesOf(type: DiscoveredClass): DeclaredSurface[] {
  const targets: [target: object, where: string][] = [
    [type, type.name],
    ...[type.prototype, type].flatMap((holder) =>
      [...methodsOf(holder)].map(([key, { method }]): [object, string] => [
        method,
        `${type.name}.${String(key)}`,
      ]),
    ),
  ];
  return targets.flatMap(([target, where]) => {
    const metadata = Reflect.getMetadata(SURFACE_METADATA, target) as SurfaceMetadata | undefined;
    return metadata === undefined ? [] : [{ ...metadata, where }];
  });
}
