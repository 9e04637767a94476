import { Test, type TestingModule } from '@nestjs/testing';
import { RouterService } from 'nestjs-llm-router';
import { createScriptedUpstream, type ScriptedUpstream } from 'nestjs-llm-router/testing';
import { AppModule } from './app.module';
import { AskController } from './ask.controller';
import { optionsFor } from './options';

describe('AskController', () => {
  let upstream: ScriptedUpstream;
  let app: TestingModule;

  beforeAll(async () => {
    upstream = await createScriptedUpstream({ api: 'openai', reply: () => ({ text: 'Paris.' }) });
    app = await Test.createTestingModule({
      imports: [AppModule.with(optionsFor(upstream.baseUrl))],
    }).compile();
    await app.init();
  });

  afterAll(async () => {
    await app.close();
    await upstream.close();
  });

  it('answers by the router', async () => {
    await expect(app.get(AskController).ask()).resolves.toMatchObject({
      answer: 'Paris.',
      model: 'gpt-4o-mini',
    });
    expect(upstream.requestCount).toBe(1);
  });

  it('is given the same router as everybody', () => {
    expect(app.get(RouterService, { strict: false })).toBeInstanceOf(RouterService);
  });
});
