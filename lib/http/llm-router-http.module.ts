import { Controller, type DynamicModule, Module, type Type, VERSION_NEUTRAL } from '@nestjs/common';
import { HttpAdapterHost, ModuleRef } from '@nestjs/core';
import { HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { AdminController } from './admin.controller.js';
import { BodyReader } from './body-reader.js';
import { FeedbackController } from './feedback.controller.js';
import { HealthController } from './health.controller.js';
import type { LlmRouterHttpOptions } from './llm-router-http.options.js';
import { MetricsController } from './metrics.controller.js';
import { OPENAI_BODY_PATHS, OpenAiController } from './openai.controller.js';
import { PageController } from './page/page.controller.js';
import { RouterEngineLocator } from './router-engine-locator.js';

/** A controller of its own for each registration, so that two of them can have two paths. */
function controllerAt(
  base: new (...args: never[]) => object,
  path: string,
  injected: readonly unknown[],
  decorators: readonly ClassDecorator[],
): Type {
  const controller = class extends (base as unknown as Type) {};
  Object.defineProperty(controller, 'name', { value: base.name });
  Reflect.defineMetadata('design:paramtypes', injected, controller);
  // Neutral: a host with URI versioning would otherwise put its version before the path.
  Controller({ path, version: VERSION_NEUTRAL })(controller);
  for (const decorate of decorators) decorate(controller);
  return controller;
}

function normalise(path: string): string {
  const trimmed = path.replace(/^\/+|\/+$/g, '');
  return trimmed === '' ? '' : `/${trimmed}`;
}

/**
 * The router's HTTP routes, for applications that want them. The router itself is `LlmRouterModule.forRoot(…)`,
 * anywhere in the application.
 *
 * @example
 * ```ts
 * @Module({ imports: [LlmRouterModule.forRoot(options), LlmRouterHttpModule.register({ path: 'llm' })] })
 * export class AppModule {}
 * // POST /llm/v1/chat/completions, GET /llm/health …
 * ```
 * @publicApi
 */
@Module({})
export class LlmRouterHttpModule {
  static register(options: LlmRouterHttpOptions = {}): DynamicModule {
    const {
      openAiApi = true,
      admin = true,
      metrics = true,
      health = true,
      ui = false,
      decorators = [],
    } = options;
    if (ui && !admin) throw new TypeError('`ui` needs `admin`: the page reads those routes.');
    const path = normalise(options.path ?? '');
    const controllers: Type[] = [];
    const bodyPaths: string[] = [];
    if (openAiApi) {
      controllers.push(controllerAt(OpenAiController, path, [RouterEngineLocator], decorators));
      bodyPaths.push(...OPENAI_BODY_PATHS.map((route) => `${path}/${route}`));
      // Whoever gets answers there scores them there.
      controllers.push(controllerAt(FeedbackController, path, [RouterEngineLocator], decorators));
      bodyPaths.push(`${path}/router/feedback`);
    }
    if (admin) {
      controllers.push(controllerAt(AdminController, path, [RouterEngineLocator], decorators));
      bodyPaths.push(`${path}/router/explain`);
    }
    if (metrics) controllers.push(controllerAt(MetricsController, path, [RouterEngineLocator], decorators));
    if (ui) {
      controllers.push(controllerAt(PageController, path, [RouterEngineLocator, ModuleRef], decorators));
    }
    if (health) {
      controllers.push(
        controllerAt(
          HealthController,
          path,
          [RouterEngineLocator, ModuleRef, HealthCheckService],
          decorators,
        ),
      );
    }
    return {
      module: LlmRouterHttpModule,
      imports: [TerminusModule],
      controllers,
      providers: [
        RouterEngineLocator,
        {
          provide: BodyReader,
          inject: [HttpAdapterHost, ModuleRef, RouterEngineLocator],
          useFactory: (adapterHost: HttpAdapterHost, moduleRef: ModuleRef, locator: RouterEngineLocator) =>
            new BodyReader(adapterHost, moduleRef, locator, bodyPaths, LlmRouterHttpModule),
        },
      ],
    };
  }
}
