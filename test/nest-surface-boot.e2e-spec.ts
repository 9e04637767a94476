import { Controller, Get, Injectable } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { ConfigurationError, RouterService, Surface } from 'nestjs-llm-router';
import { createRouterApp } from './support/router-app.js';

const options = {
  providers: { upstream: { api: 'openai' as const, baseUrl: 'http://127.0.0.1:9/v1' } },
  routingRules: { simple_queries: { primary: 'gpt-4o-mini' } },
  surfaces: { support: { qualityFloor: 0.6 } },
};

@Surface('support')
@Controller('right')
class RightController {
  @Surface('support', { workload: 'background' })
  @Get()
  answer(): string {
    return 'fine';
  }
}

@Controller('handler')
class MisspeltHandlerController {
  @Surface('suport')
  @Get()
  answer(): string {
    return 'never';
  }
}

@Surface('legal')
@Injectable()
class MisspeltService {
  @Surface('supprt')
  static atAll(): string {
    return 'never';
  }

  @Surface('soport')
  [Symbol.for('hidden')](): string {
    return 'never';
  }
}

describe('surfaces at boot', () => {
  it('lets those pass that are configured', async () => {
    const router = await createRouterApp({ platform: 'express', options, controllers: [RightController] });
    expect(await (await router.fetch('/right')).text()).toBe('fine');
    expect(router.app.get(RouterService)).toBeInstanceOf(RouterService);
    await router.close();
  });

  it('stops the boot at every misspelt one, with its place and "did you mean"', async () => {
    const boot = createRouterApp({
      platform: 'express',
      options,
      controllers: [RightController, MisspeltHandlerController],
      providers: [MisspeltService],
    });
    const error: unknown = await boot.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(ConfigurationError);
    const { issues } = error as ConfigurationError;
    expect(issues.map(({ path }) => path).sort()).toEqual([
      '@Surface on MisspeltHandlerController.answer',
      '@Surface on MisspeltService',
      '@Surface on MisspeltService.Symbol(hidden)',
      '@Surface on MisspeltService.atAll',
    ]);
    expect((error as Error).message).toContain('Did you mean "support"?');
  });
});
