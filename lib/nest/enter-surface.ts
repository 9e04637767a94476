import { AsyncLocalStorage } from 'node:async_hooks';
import { currentEnteredClass, runWithLlmContext } from '../context/index.js';
import { bindResult } from './bind-context.js';
import { contextOf, SURFACE_METADATA, type SurfaceMetadata } from './surface.metadata.js';

type Method = (this: unknown, ...values: unknown[]) => unknown;

/** What a class's surface was put around, so that a subclass's surface takes its place and not the one around it. */
const bareMethods = new WeakMap<Method, Method>();

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

/** Puts the surface of a class around each of its methods, inherited ones too, that names none itself. */
export function enterSurfaceOfClass(type: { readonly prototype: object }, metadata: SurfaceMetadata): void {
  for (const [name, descriptor] of methodsOf(type.prototype)) {
    const method = descriptor.value as Method;
    if (Reflect.hasMetadata(SURFACE_METADATA, method)) continue;
    const bare = bareMethods.get(method) ?? method;
    const entered = enterSurface(bare, metadata, type, true);
    bareMethods.set(entered, bare);
    Object.defineProperty(type.prototype, name, { ...descriptor, value: entered });
  }
}

/** By name, the nearest first. */
function methodsOf(prototype: object): Map<string, PropertyDescriptor> {
  const methods = new Map<string, PropertyDescriptor>();
  for (
    let holder: object | null = prototype;
    holder !== null && holder !== Object.prototype;
    holder = Object.getPrototypeOf(holder) as object | null
  ) {
    for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(holder))) {
      const isMethod = name !== 'constructor' && typeof descriptor.value === 'function';
      if (isMethod && !methods.has(name)) methods.set(name, descriptor);
    }
  }
  return methods;
}
