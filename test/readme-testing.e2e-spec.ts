import { readFile } from 'node:fs/promises';
import { Body, Controller, Post } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LlmRouterModule, LlmUpstreams, RouterService, Surface } from 'nestjs-llm-router';
import { LlmRouterTesting, LlmRouterTestingModule } from 'nestjs-llm-router/testing';

@Surface('support')
@Controller('chat')
class ChatController {
  constructor(private readonly router: RouterService) {}

  @Post()
  async answer(@Body() body: { question: string }) {
    const completion = await this.router.chat({
      messages: [{ role: 'user', content: body.question }],
    });
    return { answer: completion.choices[0]?.message.content, by: completion.routing.model };
  }
}

// The README's controller test, to the letter.
it('answers by the next model when the first is down', async () => {
  const module = await Test.createTestingModule({
    imports: [LlmRouterTestingModule.forRoot()],
    controllers: [ChatController],
  }).compile();
  const llm = module.get(LlmRouterTesting);
  llm.reply('Paris.');
  llm.model('gpt-4o-mini').failAlways('overloaded');

  const { answer } = await module.get(ChatController).answer({ question: 'What is the capital of France?' });

  expect(answer).toBe('Paris.');
  llm.expectRouted({ surface: 'support', model: 'claude-haiku-4-5', tier: 'secondary' });
  await module.close();
});
// The end of it.

describe("the README's section on tests", () => {
  it('shows the test above, in fifteen lines', async () => {
    const [readme, here] = await Promise.all(
      ['../README.md', './readme-testing.e2e-spec.ts'].map((path) =>
        readFile(new URL(path, import.meta.url), 'utf8'),
      ),
    );
    const test = /to the letter\.\n([\s\S]*?)\/\/ The end of it\./.exec(here ?? '')?.[1] ?? '';
    expect(readme).toContain(test);
    const lines = test.split('\n').filter((line) => line.trim() !== '');
    expect(lines.length).toBeGreaterThan(5);
    expect(lines.length).toBeLessThanOrEqual(15);
  });
});

describe("the README's lines of scripts", () => {
  let llm: LlmRouterTesting;
  let close: () => Promise<void>;
  let router: RouterService;

  beforeEach(async () => {
    llm = new LlmRouterTesting();
    const module = await Test.createTestingModule({
      imports: [
        LlmRouterModule.forRoot({
          providers: {
            openai: { api: 'openai', apiKey: '${README_UNSET_KEY}' },
            anthropic: { api: 'anthropic', apiKey: '${README_UNSET_KEY}' },
          },
          routingRules: { simple_queries: { primary: 'gpt-4o-mini', fallback: 'claude-haiku' } },
        }),
      ],
    })
      .overrideProvider(LlmUpstreams)
      .useValue(llm)
      .compile();
    router = module.get(RouterService);
    close = () => module.close();
  });

  afterEach(() => close());

  it('are run as they stand', async () => {
    const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
    const block = /### Scripts and faults[\s\S]*?```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
    expect(block.split('\n').length).toBeGreaterThan(8);
    // eslint-disable-next-line @typescript-eslint/no-implied-eval -- our own README, and the point of the test
    const script = new Function('llm', block) as (handle: LlmRouterTesting) => void;
    script(llm);
    llm.reset();
    const completion = await router.chat({ messages: [{ role: 'user', content: 'Hello?' }] });
    expect(completion.routing.model).toBe('gpt-4o-mini');
  });
});
