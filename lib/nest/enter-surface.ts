import { currentEnteredClass, runBoundWithLlmContext } from '../context/index.js';
import { methodsOf } from './methods-of.js';
import { contextOf, SURFACE_METADATA, type SurfaceMetadata } from './surface.metadata.js';

type Method = (this: unknown, ...values: unknown[]) => unknown;

/** What a class's surface was put around, so that a subclass's surface takes its place and not the one around it. */
const bareMethods = new WeakMap<Method, Method>();

/** Of every function; those of the wrapper are its own. */
const OWN_TO_FUNCTIONS: ReadonlySet<PropertyKey> = new Set(['prototype', 'arguments', 'caller']);

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
    if (isClassWide && isOrExtends(currentEnteredClass(), declaredOn)) return method.apply(this, values);
    return runBoundWithLlmContext(contextOf(metadata), () => method.apply(this, values), declaredOn);
  };
  for (const key of Reflect.ownKeys(method)) {
    const descriptor = Reflect.getOwnPropertyDescriptor(method, key);
    if (!OWN_TO_FUNCTIONS.has(key) && descriptor !== undefined)
      Object.defineProperty(entered, key, descriptor);
  }
  // Decorators below have left theirs on the method; those above will leave theirs on what is given back here.
  for (const key of Reflect.getMetadataKeys(method) as unknown[]) {
    Reflect.defineMetadata(key, Reflect.getMetadata(key, method), entered);
  }
  return entered;
}

/** A subclass that calls `super.method()` is still among its own methods. */
function isOrExtends(type: unknown, base: unknown): boolean {
  if (type === base) return true;
  return typeof type === 'function' && typeof base === 'function' && type.prototype instanceof base;
}

/** Puts the surface of a class around each of its methods, inherited ones too, that names none itself. */
export function enterSurfaceOfClass(type: { readonly prototype: object }, metadata: SurfaceMetadata): void {
  for (const [key, { method, descriptor }] of methodsOf(type.prototype)) {
    if (Reflect.hasMetadata(SURFACE_METADATA, method)) continue;
    const bare = bareMethods.get(method) ?? method;
    const entered = enterSurface(bare, metadata, type, true);
    bareMethods.set(entered, bare);
    Object.defineProperty(type.prototype, key, { ...descriptor, value: entered });
  }
}

/**
 * A subclass of a class with a surface has that surface too, but what it overrides was not there when the decorator
 * ran: it is done for the classes the application has, before any of their methods is called.
 */
export function enterInheritedSurface(type: { readonly prototype: object }): void {
  if (Reflect.hasOwnMetadata(SURFACE_METADATA, type)) return;
  const metadata = Reflect.getMetadata(SURFACE_METADATA, type) as SurfaceMetadata | undefined;
  if (metadata === undefined) return;
  const overrides = [...methodsOf(type.prototype).values()].some(
    ({ method }) => !bareMethods.has(method) && !Reflect.hasMetadata(SURFACE_METADATA, method),
  );
  if (overrides) enterSurfaceOfClass(type, metadata);
}
