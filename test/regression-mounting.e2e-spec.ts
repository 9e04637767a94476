import { Module } from '@nestjs/common';
import { RouterModule } from '@nestjs/core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { LlmRouterHttpModule, LlmRouterModule, type LlmRouterOptions } from 'nestjs-llm-router';
import { createScriptedUpstream, type ScriptedUpstream } from 'nestjs-llm-router/testing';
import { createHostApp, type HostApp, type HostAppOptions } from './support/host-app.js';
import { expectRawError } from './support/openai-error.js';
import { PLATFORMS } from './support/router-app.js';

const BELOW = RouterModule.register([{ path: 'ai', module: LlmRouterHttpModule }]);
const BELOW_A_TENANT = RouterModule.register([{ path: 'teams/:team/ai', module: LlmRouterHttpModule }]);
const withPrefix: Pick<HostAppOptions, 'configure'> = {
  configure: (app) => app.setGlobalPrefix('api/:tenant'),
};

interface Mounting {
  readonly name: string;
  readonly below: string;
  readonly imports?: NonNullable<HostAppOptions['imports']>;
  readonly configure?: HostAppOptions['configure'];
  readonly path?: string;
}

const MOUNTINGS: readonly Mounting[] = [
  { name: 'RouterModule', below: '/ai', imports: [BELOW] },
  { name: 'RouterModule with a parameter', below: '/teams/red/ai', imports: [BELOW_A_TENANT] },
  { name: 'a global prefix with a parameter', below: '/api/acme', ...withPrefix },
  { name: 'both', below: '/api/acme/ai', imports: [BELOW], ...withPrefix },
  {
    name: 'both and a path of its own',
    below: '/api/acme/ai/llm',
    imports: [BELOW],
    path: 'llm',
    ...withPrefix,
  },
];

let upstream: ScriptedUpstream;

beforeAll(async () => {
  upstream = await createScriptedUpstream({ api: 'openai' });
});

afterAll(() => upstream.close());

const routerOptions = (model: string): LlmRouterOptions => ({
  providers: { upstream: { api: 'openai', baseUrl: upstream.baseUrl, apiKey: 'test-key' } },
  models: { [model]: { provider: 'upstream', contextWindow: 10_000_000 } },
  routingRules: { simple_queries: { primary: model } },
});

describe.each(PLATFORMS)('the routes below a path of the host, on %s', (platform) => {
  it.each(MOUNTINGS)('take and refuse bodies as ever: $name', async (mounting) => {
    const { below, imports = [], configure, path } = mounting;
    const opened = await createHostApp({
      platform,
      configure,
      imports: [
        LlmRouterModule.forRoot(routerOptions('wide')),
        LlmRouterHttpModule.register({ path }),
        ...imports,
      ],
    });
    try {
      for (const route of ['/v1/chat/completions', '/router/explain']) {
        const content = 'x'.repeat(300 * 1_024);
        const large = await opened.postJson(below + route, { messages: [{ role: 'user', content }] });
        expect({ route, status: large.status, text: large.text.slice(0, 300) }).toMatchObject({
          status: 200,
        });
        const malformed = await opened.postJson(below + route, '{"messages": [');
        expectRawError(malformed, {
          status: 400,
          code: 'invalid_request',
          type: 'invalid_request_error',
          message: /JSON/i,
        });
      }
      // Past the default limit of every platform's own parser.
      const content = 'x'.repeat(2 * 1_024 * 1_024);
      const larger = await opened.postJson(`${below}/v1/chat/completions`, {
        messages: [{ role: 'user', content }],
      });
      expect(larger.status).toBe(200);
    } finally {
      await opened.close();
    }
  });

  describe('with more than one router', () => {
    let opened: HostApp | undefined;

    afterEach(async () => {
      await opened?.close();
      opened = undefined;
    });

    const boot = async (imports: NonNullable<HostAppOptions['imports']>): Promise<void> => {
      opened = await createHostApp({ platform, imports });
    };

    it.each([
      ['different', 'other'],
      ['equal', 'wide'],
    ])('do not boot (%s options)', async (_name, model) => {
      const two = [
        LlmRouterModule.forRoot(routerOptions('wide')),
        LlmRouterModule.forRoot(routerOptions(model)),
      ];
      await expect(boot([...two, LlmRouterHttpModule.register()])).rejects.toThrow(
        /more than one LlmRouterModule\.forRoot/,
      );
      await boot(two);
    });

    it('boot where the one router is imported twice', async () => {
      const one = LlmRouterModule.forRoot(routerOptions('wide'));
      @Module({ imports: [one] })
      class Feature {}
      await boot([one, Feature, LlmRouterHttpModule.register()]);
      expect((await opened!.send({ path: '/health/ready' })).status).toBe(200);
    });
  });
});
