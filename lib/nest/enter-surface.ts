import { AsyncLocalStorage } from 'node:async_hooks';
import { currentEnteredClass, runWithLlmContext } from '../context/index.js';
import { bindResult } from './bind-context.js';
import { contextOf, SURFACE_METADATA, type SurfaceMetadata } from './surface.metadata.js';

type Method = (this: unknown, ...values: unknown[]) => unknown;

/**
 * The method itself, run in a surface. It keeps its name, its length and whatever decorators have left on it.
 *
 * @param declaredOn - The class that carries the `@Surface`.
 * @param isClassWide - The surface of a whole class is entered from outside alone: among its own methods a call stays
 * where it is, be it in another method's own surface or in a `runWith`.
 */
export function enterSurface(
  method: Method,
  metadata: SurfaceMetadata,
  declaredOn: unknown,
  isClassWide: boolean,
): Method {
  const entered: Method = function (this: unknown, ...values) {
    if (isClassWide && currentEnteredClass() === declaredOn) return method.apply(this, values);
    return runWithLlmContext(
      contextOf(metadata),
      () => bindResult(method.apply(this, values), AsyncLocalStorage.snapshot()),
      declaredOn,
    );
  };
  Object.defineProperties(entered, {
    name: { value: method.name, configurable: true },
    length: { value: method.length, configurable: true },
  });
  // Decorators below have left theirs on the method; those above will leave theirs on what is given back here.
  for (const key of Reflect.getMetadataKeys(method) as unknown[]) {
    Reflect.defineMetadata(key, Reflect.getMetadata(key, method), entered);
  }
  return entered;
}

/** Puts the surface of a class around each of its own methods that names none itself. */
export function enterSurfaceOfClass(type: { readonly prototype: object }, metadata: SurfaceMetadata): void {
  for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(type.prototype))) {
    const method: unknown = descriptor.value;
    if (name === 'constructor' || typeof method !== 'function') continue;
    if (Reflect.hasMetadata(SURFACE_METADATA, method)) continue;
    Object.defineProperty(type.prototype, name, {
      ...descriptor,
      value: enterSurface(method as Method, metadata, type, true),
    });
  }
}
