import type { IncomingMessage } from 'node:http';
import { HttpAdapterHost, ModuleRef } from '@nestjs/core';
import { takeIn } from './request-intake.js';
import { RouterEngineLocator } from './router-engine-locator.js';

/** The key under which Nest's Fastify adapter hands a handler's `@RouteConfig` to the route. */
export const FASTIFY_ROUTE_CONFIG = '__fastify_route_config__';
/** Marks our routes that take a body. */
export const BODY_ROUTE = { llmRouterBody: true } as const;

interface ExpressLike {
  use(handler: (request: IncomingMessage, response: unknown, next: (error?: unknown) => void) => void): void;
}

interface FastifyRouteOptions {
  config?: { llmRouterBody?: boolean };
  preParsing?: (request: { raw: IncomingMessage }) => Promise<void>;
}

interface FastifyLike {
  addHook(name: 'onRoute', hook: (options: FastifyRouteOptions) => void): void;
}

/**
 * Reads the bodies of our own routes before the platform's parser does, and leaves every other route as it is.
 * Must be set up while modules are made: what `configure()` mounts comes after the parser.
 */
export class BodyReader {
  #patterns: readonly RegExp[] | undefined;

  constructor(
    adapterHost: HttpAdapterHost,
    private readonly moduleRef: ModuleRef,
    private readonly locator: RouterEngineLocator,
    /** Of our routes that take a body, below the host's global prefix. */
    private readonly ownPaths: readonly string[],
    /** Of ours, which the host may have given a path. */
    private readonly module: object,
  ) {
    // There is none in a microservice or a bare context, which have no routes. The installed type does not say so.
    const adapter = adapterHost.httpAdapter as HttpAdapterHost['httpAdapter'] | null | undefined;
    if (adapter === null || adapter === undefined) return;
    if (adapter.getType() === 'fastify') this.mountOnFastify(adapter.getInstance<FastifyLike>());
    else this.mountOnExpress(adapter.getInstance<ExpressLike>());
  }

  // A named function of ours, not `jsonParser`: Nest would take that for its own and leave the host without.
  private mountOnExpress(instance: ExpressLike): void {
    instance.use((request, _response, next) => {
      // Read already: the host mounted a parser of its own before the application was made.
      if (request.method !== 'POST' || !this.isOurs(request.url ?? '') || request.readableDidRead) {
        next();
        return;
      }
      this.takeIn(request).then(() => {
        next();
      }, next);
    });
  }

  private mountOnFastify(instance: FastifyLike): void {
    instance.addHook('onRoute', (options) => {
      if (options.config?.llmRouterBody !== true) return;
      options.preParsing = ({ raw }: { raw: IncomingMessage }) => this.takeIn(raw);
    });
  }

  private async takeIn(request: IncomingMessage): Promise<void> {
    const { engine, guard } = this.locator;
    await takeIn(request, guard, engine.configuration.limits.bodyBytes);
    // Nothing is left for the platform's parsers, whose limits and errors are the host's.
    delete request.headers['content-type'];
    delete request.headers['content-length'];
    delete request.headers['transfer-encoding'];
  }

  private isOurs(url: string): boolean {
    const path = url.split('?', 1)[0]?.replace(/\/+$/, '') ?? '';
    this.#patterns ??= this.collectPatterns();
    return this.#patterns.some((pattern) => pattern.test(path));
  }

  private collectPatterns(): readonly RegExp[] {
    // Known only once the host has set them, which is after we were made. Not public, but the same in Nest 11 and 12.
    const { container } = this.moduleRef as unknown as {
      container?: {
        applicationConfig?: { getGlobalPrefix(): string };
        getModules?(): { readonly applicationId?: string };
      };
    };
    const globalPrefix = container?.applicationConfig?.getGlobalPrefix() ?? '';
    const applicationId = container?.getModules?.().applicationId ?? '';
    // Where `RouterModule.register` has put our module.
    const modulePath = (Reflect.getMetadata(`__module_path__${applicationId}`, this.module) ??
      Reflect.getMetadata('__module_path__', this.module) ??
      '') as string;
    // With and without the global prefix: the host may have excluded us from it.
    return [...new Set(['', globalPrefix])].flatMap((prefix) =>
      this.ownPaths.map((path) => toPattern([prefix, modulePath, path])),
    );
  }
}

/** A path as Express matches it: without regard to case, `:name` for a segment, `*` for any rest. */
function toPattern(parts: readonly string[]): RegExp {
  const segments = parts.flatMap((part) => part.split('/')).filter((segment) => segment !== '');
  const pattern = segments.map((segment) => {
    if (segment.startsWith(':')) return '[^/]+';
    if (segment.includes('*')) return '.+';
    return segment.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`^/${pattern.join('/')}$`, 'i');
}
