import { Test, type TestingModule } from '@nestjs/testing';
import { LlmUpstreams, RouterService } from 'nestjs-llm-router';
import { LlmRouterTesting, LlmRouterTestingModule } from 'nestjs-llm-router/testing';
import { AppModule } from './app.module';
import { AskController } from './ask.controller';

describe('LlmRouterTestingModule under Jest', () => {
  let app: TestingModule;
  let llm: LlmRouterTesting;

  beforeAll(async () => {
    app = await Test.createTestingModule({
      imports: [LlmRouterTestingModule.forRoot()],
      controllers: [AskController],
    }).compile();
    await app.init();
    llm = app.get(LlmRouterTesting);
  });

  afterEach(() => {
    jest.useRealTimers();
    llm.reset();
  });

  afterAll(() => app.close());

  it('answers as scripted', async () => {
    llm.reply('Paris.');
    await expect(app.get(AskController).ask()).resolves.toEqual({
      answer: 'Paris.',
      model: 'gpt-4o-mini',
      surface: 'support',
    });
    expect(llm.expectRouted({ surface: 'support', tier: 'primary' })).toHaveLength(1);
    expect(() => llm.expectRouted({ tier: 'tertiary' })).toThrow(/No request was routed as/);
  });

  it('streams past a stalled model by the clock of the test', async () => {
    jest.useFakeTimers();
    llm.reply({ chunks: ['Par', 'is.'] });
    llm.model('gpt-4o-mini').failAlways('stalled');
    const texts: string[] = [];
    const read = async (): Promise<void> => {
      const stream = app.get(RouterService).stream({ messages: [{ role: 'user', content: 'Capital?' }] });
      for await (const chunk of stream) texts.push(chunk.choices[0]?.delta.content ?? '');
    };
    const done = read();
    await jest.advanceTimersByTimeAsync(15_000);
    await done;
    expect(texts.join('')).toBe('Paris.');
    llm.expectRouted({ model: 'claude-haiku-4-5', tier: 'secondary', streamed: true });
  });
});

describe('LlmRouterTesting in the application', () => {
  it('takes the place of its providers, without their keys', async () => {
    const llm = new LlmRouterTesting();
    const options = {
      providers: { openai: { api: 'openai' as const, apiKey: '${NOBODY_SETS_THIS_KEY}' } },
      routingRules: { simple_queries: { primary: 'gpt-4o-mini', fallback: 'gpt-4.1-mini' } },
      surfaces: { support: {} },
    };
    const app = await Test.createTestingModule({ imports: [AppModule.with(options)] })
      .overrideProvider(LlmUpstreams)
      .useValue(llm)
      .compile();
    llm.model('gpt-4o-mini').failNext('rate_limited');
    llm.replyNext('Paris.');
    await expect(app.get(AskController).ask()).resolves.toMatchObject({
      answer: 'Paris.',
      model: 'gpt-4.1-mini',
    });
    llm.expectRouted({ surface: 'support', tier: 'secondary', attempts: 2 });
    await app.close();
  });
});
