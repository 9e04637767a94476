import { Injectable } from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { SURFACE_METADATA, type SurfaceMetadata, type SurfaceOverrides } from './surface.metadata.js';

/** A `@Surface` somewhere in the application. */
export interface DeclaredSurface {
  readonly name: string;
  readonly overrides: SurfaceOverrides;
  /** `ChatController` or `ChatController.answer`. */
  readonly where: string;
}

interface DiscoveredClass {
  readonly name: string;
  readonly prototype?: unknown;
}

/** Finds every `@Surface` of the application's controllers and providers. */
@Injectable()
export class SurfaceExplorer {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
  ) {}

  find(): DeclaredSurface[] {
    const classes = new Set(
      [...this.discovery.getControllers(), ...this.discovery.getProviders()].flatMap((wrapper) =>
        // What a factory made or a value brought: its class is not the wrapper's.
        [wrapper.metatype, classOf(wrapper.isDependencyTreeStatic() ? wrapper.instance : undefined)].filter(
          (type): type is DiscoveredClass & typeof wrapper.metatype => typeof type === 'function',
        ),
      ),
    );
    return [...classes].flatMap((type) => this.findIn(type));
  }

  private findIn(type: DiscoveredClass): DeclaredSurface[] {
    const found: DeclaredSurface[] = [];
    const add = (target: object, where: string): void => {
      const metadata = Reflect.getMetadata(SURFACE_METADATA, target) as SurfaceMetadata | undefined;
      if (metadata !== undefined) found.push({ ...metadata, where });
    };
    add(type, type.name);
    const { prototype } = type;
    // A factory provider's function has none.
    if (typeof prototype !== 'object' || prototype === null) return found;
    for (const method of this.scanner.getAllMethodNames(prototype)) {
      const handler = (prototype as Record<string, unknown>)[method];
      if (typeof handler === 'function') add(handler, `${type.name}.${method}`);
    }
    return found;
  }
}

function classOf(instance: unknown): unknown {
  if (typeof instance !== 'object' || instance === null) return undefined;
  const prototype: unknown = Object.getPrototypeOf(instance);
  return typeof prototype === 'object' && prototype !== null ? prototype.constructor : undefined;
}
