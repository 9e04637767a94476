import { Injectable } from '@nestjs/common';
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { InjectOpenAI, type LlmRouterOptions, RouterService } from 'nestjs-llm-router';
import { createScriptedUpstream, type ScriptedUpstream } from 'nestjs-llm-router/testing';
import { createRouterApp, PLATFORMS, type RouterApp } from './support/router-app.js';

const SECRET = 'The vault opens at nine.';

@Injectable()
class Assistant {
  constructor(
    @InjectOpenAI() readonly client: OpenAI,
    readonly router: RouterService,
  ) {}
}
Reflect.defineMetadata('design:paramtypes', [OpenAI, RouterService], Assistant);

/** How an answer came, and the item that holds what it said. */
async function idOfAnswer(client: OpenAI, streamed: boolean): Promise<string> {
  const request = { model: 'auto', input: 'When does it open?' };
  const response = streamed
    ? await client.responses.stream(request).finalResponse()
    : await client.responses.create(request);
  const item = response.output.find(({ type }) => type === 'message');
  return item!.id!;
}

const goOn = (client: OpenAI, id: string): Promise<OpenAI.Responses.Response> =>
  client.responses.create({
    model: 'auto',
    input: [
      { role: 'user', content: 'When does it open?' },
      { type: 'item_reference', id },
      { role: 'user', content: 'Say it again.' },
    ],
  });

describe.each(PLATFORMS)('items of the Responses API are their owner’s alone, on %s', (platform) => {
  let upstream: ScriptedUpstream;
  let router: RouterApp | undefined;

  beforeAll(async () => {
    upstream = await createScriptedUpstream({ api: 'openai' });
  });

  beforeEach(() => {
    upstream.setReply(() => ({ text: SECRET }));
  });

  afterEach(async () => {
    await router?.close();
    router = undefined;
  });

  afterAll(async () => {
    await upstream.close();
  });

  async function open(http?: LlmRouterOptions['http']): Promise<RouterApp> {
    router = await createRouterApp({
      platform,
      options: {
        providers: { one: { api: 'openai', baseUrl: upstream.baseUrl, apiKey: 'k' } },
        models: { plain: { provider: 'one' } },
        routingRules: { simple_queries: { primary: 'plain' } },
        ...(http === undefined ? {} : { http }),
      },
      providers: [Assistant],
    });
    return router;
  }

  /** The reference is refused as one to what never was, and no upstream is asked. */
  async function expectUnknown(asking: () => Promise<unknown>): Promise<void> {
    const asked = upstream.requestCount;
    const error: unknown = await asking().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(OpenAI.BadRequestError);
    expect(error).toMatchObject({ code: 'invalid_request', param: 'input[1].type' });
    expect(JSON.stringify(error)).not.toContain(SECRET);
    expect(upstream.requestCount).toBe(asked);
  }

  function expectRecalled(): void {
    expect(upstream.requests.at(-1)?.body.messages).toMatchObject([
      { role: 'user' },
      { role: 'assistant', content: SECRET },
      { role: 'user' },
    ]);
  }

  describe.each([
    ['whole', false],
    ['streamed', true],
  ])('%s', (_name, streamed) => {
    it.each([
      ['of two tenants', { tenant: 'a' }, { tenant: 'b' }],
      ['without tenants', {}, {}],
      ['of which one has a tenant', { tenant: 'a' }, {}],
    ])('two keys %s', async (_case, first, second) => {
      const { client } = await open({
        apiKeys: [
          { key: 'key-of-one', ...first },
          { key: 'key-of-two', ...second },
        ],
      });
      const one = client.withOptions({ apiKey: 'key-of-one' });
      const two = client.withOptions({ apiKey: 'key-of-two' });
      const id = await idOfAnswer(one, streamed);
      await expectUnknown(() => goOn(two, id));
      await goOn(one, id);
      expectRecalled();
    });

    it('two keys of one tenant share them', async () => {
      const { client } = await open({
        apiKeys: [
          { key: 'key-of-one', tenant: 'a' },
          { key: 'key-of-two', tenant: 'a' },
        ],
      });
      const id = await idOfAnswer(client.withOptions({ apiKey: 'key-of-one' }), streamed);
      await goOn(client.withOptions({ apiKey: 'key-of-two' }), id);
      expectRecalled();
    });

    it('two tenants in process', async () => {
      const { client, router: service } = (await open()).app.get(Assistant);
      const id = await service.runWith({ tenant: 'a' }, () => idOfAnswer(client, streamed));
      await expectUnknown(() => service.runWith({ tenant: 'b' }, () => goOn(client, id)));
      await expectUnknown(() => goOn(client, id));
      await service.runWith({ tenant: 'a' }, () => goOn(client, id));
      expectRecalled();
    });

    it('an answer that was cut by its limit is kept too', async () => {
      const { client } = await open();
      upstream.setReply(() => ({ text: SECRET, finish: 'length' }));
      const id = await idOfAnswer(client, streamed);
      await goOn(client, id);
      expectRecalled();
    });

    it('an answer that was not to be stored is not kept', async () => {
      const { client } = await open();
      const request = { model: 'auto', input: 'x', store: false };
      const response = streamed
        ? await client.responses.stream(request).finalResponse()
        : await client.responses.create(request);
      await expectUnknown(() => goOn(client, response.output[0]!.id!));
    });
  });
});
