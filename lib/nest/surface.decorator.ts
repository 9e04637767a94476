import { SetMetadata, UseInterceptors } from '@nestjs/common';
import type { SurfaceName } from '../context/index.js';
import { enterSurface, enterSurfaceOfClass } from './enter-surface.js';
import { SurfaceInterceptor } from './surface.interceptor.js';
import { SURFACE_METADATA, type SurfaceMetadata, type SurfaceOverrides } from './surface.metadata.js';

/**
 * Names the product surface of a controller, a handler or any injectable's method: every router call made while it
 * runs, however deep, is held to that surface's floors, SLO and workload. A method's wins over its class's; what a
 * call itself says wins over both.
 *
 * Handlers of every transport have it, and so has whatever Nest does not call as a handler: cron jobs, queue
 * processors, event listeners, plain services. On a class that is no controller it holds for calls from outside the
 * class: a method called inside a `runWith` that began in the class stays there. Arrow functions kept in properties are
 * no methods, and are not covered. A name that is not configured stops the boot; declare {@link LlmSurfaces} and the compiler finds it first.
 *
 * @param name - A surface out of the configuration.
 * @param overrides - Who waits and for how long, and limits that tighten those of the surface.
 * @example
 * ```ts
 * @Surface('support')
 * @Controller('chat')
 * export class ChatController {
 *   constructor(private readonly router: RouterService) {}
 *
 *   @Post()
 *   answer(@Body() { question }: QuestionDto) {
 *     return this.router.chat({ messages: [{ role: 'user', content: question }] });
 *   }
 *
 *   @Surface('support', { workload: 'background', qualityFloor: 0.7 })
 *   @Cron('0 3 * * *')
 *   summarise() { … }
 * }
 * ```
 * @publicApi
 */
export function Surface(
  name: SurfaceName,
  overrides: SurfaceOverrides = {},
): ClassDecorator & MethodDecorator {
  const metadata: SurfaceMetadata = { name, overrides };
  const mark = SetMetadata(SURFACE_METADATA, metadata);
  return (target: object, key?: string | symbol, descriptor?: PropertyDescriptor): undefined => {
    if (descriptor === undefined || key === undefined) {
      const type = target as new (...values: unknown[]) => object;
      mark(type);
      interceptFirst(type, UseInterceptors(SurfaceInterceptor));
      enterSurfaceOfClass(type, metadata);
      return;
    }
    mark(target, key, descriptor);
    const method = descriptor.value as (...values: unknown[]) => unknown;
    interceptFirst(method, (handler) => UseInterceptors(SurfaceInterceptor)(target, key, { value: handler }));
    // A static method's target is the class itself.
    const declaredOn = typeof target === 'function' ? target : target.constructor;
    descriptor.value = enterSurface(method, metadata, declaredOn, false);
  };
}

/** Nest's own name for it; it is not exported. */
const INTERCEPTORS_METADATA = '__interceptors__';

/**
 * Before the interceptors that stand below on the same class or handler: they and the pipes may ask a model too. Those
 * above come after it by themselves.
 */
function interceptFirst<Target extends object>(target: Target, intercept: (target: Target) => unknown): void {
  const others = Reflect.getOwnMetadata(INTERCEPTORS_METADATA, target) as unknown[] | undefined;
  Reflect.deleteMetadata(INTERCEPTORS_METADATA, target);
  intercept(target);
  const own = Reflect.getOwnMetadata(INTERCEPTORS_METADATA, target) as unknown[] | undefined;
  Reflect.defineMetadata(INTERCEPTORS_METADATA, [...(own ?? []), ...(others ?? [])], target);
}
