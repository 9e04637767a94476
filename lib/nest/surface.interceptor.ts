import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { Observable } from 'rxjs';
import { runBoundWithLlmContext } from '../context/index.js';
import { contextOf, SURFACE_METADATA, type SurfaceMetadata } from './surface.metadata.js';

/** Runs a handler, its pipes and its inner interceptors inside the context its `@Surface` names. */
@Injectable()
export class SurfaceInterceptor implements NestInterceptor {
  // Not injected: the interceptor is made in the host's modules, of which none need import ours.
  readonly #reflector = new Reflector();

  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    const metadata = this.#reflector.getAllAndOverride<SurfaceMetadata | undefined>(SURFACE_METADATA, [
      execution.getHandler(),
      execution.getClass(),
    ]);
    if (metadata === undefined) return next.handle();
    // The subscription is what runs the handler, so it is what must happen inside.
    return new Observable((subscriber) =>
      runBoundWithLlmContext(contextOf(metadata), () => next.handle(), execution.getClass()).subscribe(
        subscriber,
      ),
    );
  }
}
