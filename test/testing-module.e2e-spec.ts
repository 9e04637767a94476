import { Body, Controller, type INestApplication, Injectable, Module, Post, Scope } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import OpenAI from 'openai';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  type ChatRequest,
  LlmProviderHealthIndicator,
  LlmRouterHttpModule,
  LlmRouterModule,
  type LlmRouterOptions,
  LlmUpstreams,
  type ProviderErrorKind,
  RouterService,
  StreamInterruptedError,
  Surface,
} from 'nestjs-llm-router';
import { LlmRouterTesting, LlmRouterTestingModule, type ScriptedFault } from 'nestjs-llm-router/testing';

const HELLO: ChatRequest = { messages: [{ role: 'user', content: 'What is the capital of France?' }] };

@Surface('support')
@Controller('chat')
class ChatController {
  constructor(private readonly router: RouterService) {}

  @Post()
  async answer(@Body() { question }: { question: string }): Promise<{ answer: string; by: string }> {
    const completion = await this.router.chat({ messages: [{ role: 'user', content: question }] });
    return { answer: completion.choices[0]?.message.content ?? '', by: completion.routing.model };
  }
}

@Injectable()
class Summaries {
  constructor(private readonly router: RouterService) {}

  @Surface('summaries')
  async write(): Promise<string> {
    const completion = await this.router.chat(HELLO);
    return completion.choices[0]?.message.content ?? '';
  }
}

let open: { close(): Promise<void> }[] = [];

async function testingModule(
  options?: LlmRouterOptions,
): Promise<{ module: TestingModule; llm: LlmRouterTesting; router: RouterService; chat: ChatController }> {
  const module = await Test.createTestingModule({
    imports: [LlmRouterTestingModule.forRoot(options)],
    controllers: [ChatController],
    providers: [Summaries],
  }).compile();
  await module.init();
  open.push(module);
  return {
    module,
    llm: module.get(LlmRouterTesting),
    router: module.get(RouterService),
    chat: module.get(ChatController),
  };
}

async function collect(router: RouterService, request: ChatRequest = HELLO): Promise<string[]> {
  const texts: string[] = [];
  for await (const chunk of router.stream(request)) texts.push(chunk.choices[0]?.delta.content ?? '');
  return texts.filter((text) => text !== '');
}

afterEach(async () => {
  vi.useRealTimers();
  await Promise.all(open.map((one) => one.close()));
  open = [];
});

describe('LlmRouterTestingModule', () => {
  let llm: LlmRouterTesting;
  let router: RouterService;
  let chat: ChatController;
  let module: TestingModule;

  beforeEach(async () => {
    ({ llm, router, chat, module } = await testingModule());
  });

  const text = async (request: ChatRequest = HELLO): Promise<string> =>
    (await router.chat(request)).choices[0]?.message.content ?? '';

  it('answers a controller as scripted, by its surface, and tells what was routed', async () => {
    llm.reply('Paris.');
    expect(await chat.answer({ question: 'Capital of France?' })).toEqual({
      answer: 'Paris.',
      by: 'gpt-4o-mini',
    });
    const [request] = llm.expectRouted({
      surface: 'support',
      model: 'gpt-4o-mini',
      provider: 'openai',
      tier: 'primary',
      requestClass: 'simple_queries',
      outcome: 'succeeded',
      attempts: 1,
      times: 1,
    });
    expect(request?.costUsd).toBeGreaterThan(0);
    expect(request?.calls).toEqual(llm.calls);
    expect(llm.calls).toMatchObject([
      {
        model: 'gpt-4o-mini',
        provider: 'openai',
        surface: 'support',
        tier: 'primary',
        streamed: false,
        outcome: 'succeeded',
        lastUserText: 'Capital of France?',
        messages: [{ role: 'user', content: 'Capital of France?' }],
      },
    ]);
  });

  it('answers without a script, saying that it is simulated and by which model', async () => {
    expect(await text()).toMatch(/simulated.*gpt-4o-mini/);
  });

  it('accepts every declared surface, also of a method of a provider', async () => {
    llm.reply('In short.');
    expect(await module.get(Summaries).write()).toBe('In short.');
    llm.expectRouted({ surface: 'summaries' });
  });

  it('accepts surfaces of static methods, and of methods named by a symbol', async () => {
    const key = Symbol('write');
    @Injectable()
    class Odd {
      @Surface('of a static method')
      static write(router: RouterService): Promise<unknown> {
        return router.chat(HELLO);
      }

      @Surface('of a symbol')
      [key](router: RouterService): Promise<unknown> {
        return router.chat(HELLO);
      }
    }
    const odd = await Test.createTestingModule({
      imports: [LlmRouterTestingModule.forRoot()],
      providers: [Odd],
    }).compile();
    await odd.init();
    open.push(odd);
    await Odd.write(odd.get(RouterService));
    await odd.get(Odd)[key](odd.get(RouterService));
    const { requests } = odd.get(LlmRouterTesting);
    expect(requests.map(({ surface }) => surface)).toEqual(['of a static method', 'of a symbol']);
  });

  it('knows aliases of models', async () => {
    llm.model('claude-haiku-4.5').reply('Bonjour.');
    llm.provider('openai').failAlways('connection');
    expect(await text()).toBe('Bonjour.');
    llm.expectRouted({ model: 'claude-haiku-4.5', tier: 'secondary' });
  });

  it('answers by what was asked, then by the wider script, then by default', async () => {
    llm.reply(({ lastUserText }) => (lastUserText.includes('France') ? 'Paris.' : undefined));
    llm.model('gpt-4o-mini').reply(({ maxOutputTokens }) => (maxOutputTokens === 7 ? 'Seven.' : undefined));
    expect(await text({ ...HELLO, max_completion_tokens: 7 })).toBe('Seven.');
    expect(await text()).toBe('Paris.');
    expect(await text({ messages: [{ role: 'user', content: 'Hello?' }] })).toMatch(/simulated/);
  });

  it('answers next calls in the order they were scripted, faults among them', async () => {
    llm.reply('Later.');
    llm.replyNext('First.');
    llm.failNext('server_error');
    llm.replyNext(() => Promise.resolve('Third.'));
    const answers = [await text(), await text(), await text()];
    expect(answers).toEqual(['First.', 'Third.', 'Later.']);
    llm.expectRouted({ tier: 'secondary', attempts: 2, times: 1 });
  });

  it('streams in the pieces scripted, and whole replies in small ones', async () => {
    llm.replyNext({ chunks: ['Par', 'is', '.'] });
    expect(await collect(router)).toEqual(['Par', 'is', '.']);
    llm.replyNext('The capital of France is Paris.');
    const pieces = await collect(router);
    expect(pieces.length).toBeGreaterThan(3);
    expect(pieces.join('')).toBe('The capital of France is Paris.');
    llm.expectRouted({ streamed: true, times: 2 });
  });

  it('reports the usage scripted, streamed or not, to the caller and to the record', async () => {
    llm.reply({ text: 'Paris.', usage: { promptTokens: 1_000, completionTokens: 50, cachedTokens: 200 } });
    const completion = await router.chat(HELLO);
    expect(completion.usage).toMatchObject({ prompt_tokens: 1_000, completion_tokens: 50 });
    let usage: OpenAI.CompletionUsage | null | undefined;
    for await (const chunk of router.stream({ ...HELLO, stream_options: { include_usage: true } })) {
      usage = chunk.usage ?? usage;
    }
    expect(usage).toMatchObject({ total_tokens: 1_050, prompt_tokens_details: { cached_tokens: 200 } });
    expect(llm.requests.map((request) => request.usage.completionTokens)).toEqual([50, 50]);
  });

  it('gives as many choices as asked for', async () => {
    llm.reply('Paris.');
    const { choices } = await router.chat({ ...HELLO, n: 3 });
    expect(choices.map(({ index, message }) => [index, message.content])).toEqual([
      [0, 'Paris.'],
      [1, 'Paris.'],
      [2, 'Paris.'],
    ]);
  });

  describe('with tools', () => {
    const tools: OpenAI.ChatCompletionFunctionTool[] = [
      {
        type: 'function',
        function: {
          name: 'find_order',
          parameters: {
            type: 'object',
            required: ['id'],
            properties: { id: { type: 'integer', minimum: 7 } },
          },
        },
      },
    ];

    it('plays a loop of calls and results', async () => {
      llm.reply(({ messages }) =>
        messages.at(-1)?.role === 'tool'
          ? 'It is on its way.'
          : { toolCalls: [{ name: 'find_order', arguments: { id: 42 } }] },
      );
      const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: 'user', content: 'Where is my order?' }];
      const [first] = (await router.chat({ messages, tools })).choices;
      const [call] = first?.message.tool_calls ?? [];
      expect(first).toMatchObject({ finish_reason: 'tool_calls', message: { content: null } });
      expect(call).toMatchObject({ function: { name: 'find_order', arguments: '{"id":42}' } });
      messages.push(
        { role: 'assistant', tool_calls: first?.message.tool_calls },
        { role: 'tool', tool_call_id: call?.id ?? '', content: 'shipped' },
      );
      expect(await text({ messages, tools })).toBe('It is on its way.');
      expect(llm.calls.map((one) => one.tools)).toEqual([['find_order'], ['find_order']]);
    });

    it('streams calls after the text, and names the reason', async () => {
      llm.reply({
        text: 'Let me look.',
        toolCalls: [{ name: 'find_order', arguments: { id: 42, urgent: true } }],
      });
      let [content, name, id, given, finish] = ['', '', '', '', ''];
      for await (const { choices } of router.stream({ ...HELLO, tools })) {
        const [choice] = choices;
        content += choice?.delta.content ?? '';
        for (const call of choice?.delta.tool_calls ?? []) {
          id += call.id ?? '';
          name += call.function?.name ?? '';
          given += call.function?.arguments ?? '';
        }
        finish = choice?.finish_reason ?? finish;
      }
      expect([content, name, JSON.parse(given), finish]).toEqual([
        'Let me look.',
        'find_order',
        { id: 42, urgent: true },
        'tool_calls',
      ]);
      expect(id).toMatch(/^call_/);
    });

    it('calls a demanded tool by default, with the least its schema allows', async () => {
      const { choices } = await router.chat({ ...HELLO, tools, tool_choice: 'required' });
      expect(choices[0]?.message.tool_calls).toMatchObject([{ function: { arguments: '{"id":7}' } }]);
    });
  });

  it('answers a JSON schema, by default and as scripted', async () => {
    const request: ChatRequest = {
      ...HELLO,
      response_format: {
        type: 'json_schema',
        json_schema: {
          name: 'city',
          schema: { type: 'object', required: ['city'], properties: { city: { enum: ['Rome', 'Paris'] } } },
        },
      },
    };
    expect(JSON.parse(await text(request))).toEqual({ city: 'Rome' });
    llm.reply(({ outputFormat }) => ({ json: { city: 'Paris', outputFormat } }));
    expect(JSON.parse(await text(request))).toEqual({ city: 'Paris', outputFormat: 'json' });
  });

  describe('under faults', () => {
    it('lets the next model serve', async () => {
      llm.reply('Paris.');
      llm.model('gpt-4o-mini').failAlways('overloaded');
      expect(await text()).toBe('Paris.');
      llm.expectRouted({ model: 'claude-haiku-4-5', provider: 'anthropic', tier: 'secondary', attempts: 2 });
      expect(llm.calls.map(({ model, outcome, errorKind }) => [model, outcome, errorKind])).toEqual([
        ['gpt-4o-mini', 'failed', 'overloaded'],
        ['claude-haiku-4-5', 'succeeded', undefined],
      ]);
      llm.heal();
      llm.reset();
      await text();
      llm.expectRouted({ model: 'gpt-4o-mini', tier: 'primary' });
    });

    it('keeps a queued reply for the call that is answered', async () => {
      llm.provider('openai').failAlways('connection');
      llm.replyNext('Paris.');
      expect(await text()).toBe('Paris.');
      llm.expectRouted({ provider: 'anthropic', times: 1 });
    });

    it('ends in 502 when everything fails, and shows in health', async () => {
      llm.failAlways('connection');
      await expect(text()).rejects.toMatchObject({ code: 'all_attempts_failed', status: 502 });
      // Each of the three, and one of them once more.
      llm.expectRouted({ outcome: 'failed', errorCode: 'all_attempts_failed', attempts: 4 });
      const health = module.get(LlmProviderHealthIndicator).isHealthy('openai');
      expect(health.openai).toMatchObject({ lastErrorKind: 'connection' });
    });

    it('ends in 429 with the smallest wait when every provider limits the rate', async () => {
      llm.failAlways({ kind: 'rate_limited', retryAfterMs: 9_000 });
      llm.provider('anthropic').failAlways({ kind: 'status', status: 429, retryAfterSeconds: 4 });
      // No wait fits into it: otherwise the router would wait itself.
      const hasty = module.get(RouterService).chat(HELLO, { deadlineMs: 2_000 });
      await expect(hasty).rejects.toMatchObject({ status: 429, retryAfterMs: 4_000 });
    });

    it('lets a rate limit of one test not steer the next', async () => {
      llm.model('gpt-4o-mini').failNext({ kind: 'rate_limited', retryAfterMs: 60_000 });
      await text();
      await text();
      expect(llm.calls.map(({ model }) => model)).toEqual([
        'gpt-4o-mini',
        'claude-haiku-4-5',
        'claude-haiku-4-5',
      ]);
      llm.reset();
      await text();
      llm.expectRouted({ model: 'gpt-4o-mini', times: 1 });
    });

    // Named for what the caller sees: the outcome of the attempt, and the error of the request where it ends there.
    it.each<[ScriptedFault, ProviderErrorKind, string | undefined]>([
      ['rate_limited', 'rate_limited', undefined],
      ['overloaded', 'overloaded', undefined],
      ['server_error', 'server_error', undefined],
      ['authentication', 'authentication', undefined],
      ['permission', 'permission', undefined],
      ['billing', 'billing', undefined],
      ['not_found', 'not_found', undefined],
      ['timeout', 'timeout', undefined],
      ['connection', 'connection', undefined],
      ['refused', 'connection', undefined],
      ['bad_response', 'bad_response', undefined],
      ['stream_cut', 'connection', undefined],
      [{ kind: 'cut', afterChunks: 2 }, 'connection', undefined],
      [{ kind: 'stream_error', afterChunks: 2 }, 'server_error', undefined],
      [{ kind: 'status', status: 529 }, 'overloaded', undefined],
      [{ kind: 'status', status: 502 }, 'server_error', undefined],
      [
        { kind: 'status', status: 429, retryAfter: { as: 'http_date', seconds: 9 } },
        'rate_limited',
        undefined,
      ],
      [{ kind: 'cut', afterBytes: 40 }, 'connection', undefined],
      [{ kind: 'cut', afterChunks: 2, ending: 'clean' }, 'bad_response', undefined],
      [{ kind: 'malformed' }, 'bad_response', undefined],
      [{ kind: 'error_in_200', status: 529 }, 'overloaded', undefined],
      [{ kind: 'html' }, 'bad_response', undefined],
      [{ kind: 'html', status: 502 }, 'server_error', undefined],
      [{ kind: 'oversized' }, 'bad_response', undefined],
      [{ kind: 'oversized', part: 'header' }, 'connection', undefined],
      [{ kind: 'reset' }, 'connection', undefined],
      ['context_length', 'context_length', undefined],
      ['content_filter', 'content_filter', 'content_filter'],
      ['invalid_request', 'invalid_request', 'upstream_rejected'],
      ['request_too_large', 'request_too_large', 'request_too_large'],
      [{ kind: 'status', status: 422 }, 'invalid_request', 'upstream_rejected'],
    ])('fails with %j', async (fault, kind, errorCode) => {
      llm.model('gpt-4o-mini').failNext(fault);
      if (errorCode === undefined) {
        expect(await text()).toMatch(/simulated/);
        llm.expectRouted({ tier: 'secondary' });
      } else {
        await expect(text()).rejects.toMatchObject({ code: errorCode });
        llm.expectRouted({ outcome: 'rejected', attempts: 1 });
      }
      expect(llm.calls[0]?.errorKind).toBe(kind);
    });

    it('passes on the words of a refusal', async () => {
      llm.failNext({ kind: 'invalid_request', message: 'top_p is too high.', param: 'top_p' });
      await expect(text()).rejects.toMatchObject({
        message: 'top_p is too high.',
        param: 'top_p',
        status: 400,
      });
    });

    it.each([['request'], ['headers'], ['first_token']] as const)(
      'stalls after the %s until the router moves on, by a clock of the test',
      async (after) => {
        vi.useFakeTimers();
        llm.model('gpt-4o-mini').failAlways({ kind: 'stalled', after });
        const answer = text();
        await vi.advanceTimersByTimeAsync(after === 'request' ? 300_000 : 15_000);
        expect(await answer).toMatch(/claude-haiku/);
        expect(llm.calls[0]).toMatchObject({ outcome: 'timed_out', errorKind: 'timeout' });
      },
    );

    it('stalls a stream before its first token: the next serves; after it: the stream breaks off', async () => {
      vi.useFakeTimers();
      llm.reply({ chunks: ['Par', 'is.'] });
      llm.model('gpt-4o-mini').failNext('stalled');
      const whole = collect(router);
      await vi.advanceTimersByTimeAsync(15_000);
      expect(await whole).toEqual(['Par', 'is.']);
      llm.expectRouted({ tier: 'secondary', streamed: true });

      llm.reset();
      llm.reply({ chunks: ['Par', 'is.'] });
      llm.model('gpt-4o-mini').failNext({ kind: 'stalled', after: 'first_token' });
      const cut = expect(collect(router)).rejects.toBeInstanceOf(StreamInterruptedError);
      await vi.advanceTimersByTimeAsync(15_000);
      await cut;
    });

    it('cuts a stream after so many pieces, and never moves on after the first', async () => {
      llm.reply({ chunks: ['one ', 'two ', 'three'] });
      const heard: string[] = [];
      const listen = async (): Promise<void> => {
        for await (const { choices } of router.stream(HELLO)) heard.push(choices[0]?.delta.content ?? '');
      };
      llm.failNext({ kind: 'cut', afterChunks: 2 });
      await expect(listen()).rejects.toMatchObject({ code: 'stream_interrupted', kind: 'stream_cut' });
      expect(heard.join('')).toBe('one two ');
      llm.failNext({ kind: 'stream_error', afterChunks: 1 });
      await expect(listen()).rejects.toBeInstanceOf(StreamInterruptedError);
      llm.expectRouted({ outcome: 'failed', attempts: 1, times: 2 });
      llm.failNext({ kind: 'cut', afterChunks: 0 });
      await listen();
      llm.expectRouted({ outcome: 'succeeded', attempts: 2 });
    });

    it('breaks a stream where a line of it is no JSON', async () => {
      llm.reply({ chunks: ['one ', 'two ', 'three'] });
      llm.failNext({ kind: 'malformed', afterChunks: 1 });
      await expect(collect(router)).rejects.toBeInstanceOf(StreamInterruptedError);
      llm.failNext({ kind: 'malformed' });
      await collect(router);
      llm.expectRouted({ outcome: 'succeeded', attempts: 2 });
    });

    it('takes as long as a slow answer does, by a clock of the test', async () => {
      vi.useFakeTimers();
      llm.reply({ chunks: ['one ', 'two ', 'three'] });
      const startMs = Date.now();
      for (const [fault, takesMs] of [
        [{ kind: 'delay', delayMs: 400 }, 400],
        [{ kind: 'drip', everyMs: 100 }, 300],
      ] as const) {
        for (const ask of [() => collect(router).then((pieces) => pieces.join('')), text]) {
          llm.failNext(fault);
          const from = Date.now();
          const answer = ask().then((said) => ({ said, ms: Date.now() - from }));
          await vi.advanceTimersByTimeAsync(1_000);
          expect(await answer).toEqual({ said: 'one two three', ms: takesMs });
        }
      }
      expect(Date.now() - startMs).toBe(4_000);
      llm.expectRouted({ outcome: 'succeeded', attempts: 1, times: 4 });
    });

    it('minds no wrong content type', async () => {
      llm.failNext({ kind: 'content_type' });
      expect(await text()).toMatch(/simulated/);
      llm.expectRouted({ tier: 'primary' });
    });

    it('ends a call whose caller leaves', async () => {
      llm.failAlways('stalled');
      const leaving = new AbortController();
      const answer = router.chat(HELLO, { signal: leaving.signal });
      leaving.abort();
      await expect(answer).rejects.toMatchObject({ code: 'client_closed_request' });
      llm.expectRouted({ outcome: 'client_left', attempts: 1 });
    });

    it('closes at once although calls stall', async () => {
      llm.failAlways('stalled');
      const answer = expect(text()).rejects.toMatchObject({ status: expect.any(Number) as number });
      const startedAt = performance.now();
      await module.close();
      await answer;
      expect(performance.now() - startedAt).toBeLessThan(2_000);
    });

    it('waits in real time where a delay is asked for', async () => {
      llm.reply({ text: 'Late.', delayMs: 40 });
      const startedAt = performance.now();
      expect(await text()).toBe('Late.');
      expect(performance.now() - startedAt).toBeGreaterThan(35);
    });
  });

  describe('expectRouted', () => {
    it('lists what was routed instead, and nothing of the prompt', async () => {
      llm.model('gpt-4o-mini').failAlways('overloaded');
      await chat.answer({ question: 'Secret?' });
      expect(() => llm.expectRouted({ surface: 'support', model: 'gpt-4o-mini', tier: 'primary' })).toThrow(
        [
          'No request was routed as { surface: "support", model: "gpt-4o-mini", tier: "primary" }.',
          'Routed (1):',
          '  1. surface support, class simple_queries: served by claude-haiku-4-5 at anthropic (secondary tier), succeeded, attempts: 2',
          '       gpt-4o-mini at openai: failed (overloaded)',
          '       claude-haiku-4-5 at anthropic: succeeded',
        ].join('\n'),
      );
      expect(() => llm.expectRouted({ surface: 'support', times: 2 })).toThrow(
        /^Expected 2 routed as \{ surface: "support" \}, found 1\.\nRouted \(1\):/,
      );
      expect(() => {
        llm.expectNothingRouted();
      }).toThrow(/^Expected no request\.\nRouted \(1\):/);
    });

    it('tells of names that nobody configured, and of a router that nobody asked', () => {
      expect(() => llm.expectRouted({ surface: 'suport', model: 'gpt-4o-mni', provider: 'opnai' })).toThrow(
        [
          'No request was routed as { surface: "suport", model: "gpt-4o-mni", provider: "opnai" }.',
          'There is no surface "suport". Did you mean "support"?',
          'There is no model "gpt-4o-mni". Did you mean "gpt-4o-mini"?',
          'There is no provider "opnai". Did you mean "openai"?',
          'No request was routed at all.',
        ].join('\n'),
      );
      llm.expectNothingRouted();
      llm.expectRouted({ times: 0 });
      expect(() => new LlmRouterTesting().expectRouted()).toThrow(/in the place of LlmUpstreams/);
    });

    it('tells what a scripted reply threw, which the router does not', async () => {
      llm.reply(() => {
        throw new Error('no such line');
      });
      await expect(text()).rejects.toMatchObject({ code: 'internal_error' });
      expect(() => llm.expectRouted({ outcome: 'succeeded' })).toThrow(
        /A scripted reply threw: Error: no such line/,
      );
    });

    it('counts requests that have ended alone, and says that others are open', async () => {
      const reader = router.stream(HELLO)[Symbol.asyncIterator]();
      await reader.next();
      expect(() => llm.expectRouted()).toThrow(/Not ended yet, so not counted: 1/);
      await reader.return(undefined);
      llm.expectRouted({ outcome: 'client_left' });
    });

    it('knows refused requests, which reach no model', async () => {
      await expect(router.chat(HELLO, { surface: 'nowhere' })).rejects.toMatchObject({ status: 400 });
      llm.expectRouted({ outcome: 'rejected', errorCode: 'invalid_request', attempts: 0, surface: 'none' });
    });
  });

  it('refuses to script what is not there', () => {
    expect(() => llm.model('gpt-4o-mni')).toThrow(
      'There is no model "gpt-4o-mni". Did you mean "gpt-4o-mini"?',
    );
    expect(() => llm.provider('opnai')).toThrow('There is no provider "opnai". Did you mean "openai"?');
  });

  it('forgets scripts, calls and requests with reset, also of those that end later', async () => {
    llm.reply('Paris.');
    llm.model('gpt-4o-mini').replyNext('Rome.');
    const reader = router.stream(HELLO)[Symbol.asyncIterator]();
    await reader.next();
    llm.failNext('connection');
    llm.reset();
    await reader.return(undefined);
    llm.expectNothingRouted();
    expect(await text()).toMatch(/simulated/);
    llm.expectRouted({ times: 1 });
  });

  describe('reset with requests of the former test under way', () => {
    const lastErrorKind = (): unknown =>
      module.get(LlmProviderHealthIndicator).isHealthy('openai').openai?.lastErrorKind;

    it.each([
      ['that stalls', 'stalled'],
      ['that stalls after its headers', { kind: 'stalled', after: 'headers' }],
    ] as const)('ends one %s, and leaves the next test all that is its own', async (_what, fault) => {
      llm.failNext(fault);
      const former = router.chat(HELLO).catch((error: unknown) => error);
      const formerStream = collect(router);
      llm.reset();
      llm.replyNext('Of the next test.');
      expect(await former).toMatchObject({ code: 'client_closed_request' });
      await formerStream;
      llm.expectNothingRouted();
      expect(lastErrorKind()).toBeNull();
      expect(await text()).toBe('Of the next test.');
      llm.expectRouted({ times: 1, model: 'gpt-4o-mini', attempts: 1 });
      expect(llm.calls).toHaveLength(1);
    });

    it('ends one that waits for its delay or its script', async () => {
      llm.replyNext({ text: 'Late.', delayMs: 60_000 });
      llm.replyNext(() => new Promise(() => undefined));
      const former = [text(), text()].map((one) => one.catch((error: unknown) => error));
      llm.reset();
      for (const error of await Promise.all(former)) {
        expect(error).toMatchObject({ code: 'client_closed_request' });
      }
    });

    it('lets a stream that has begun go on, without the stall', async () => {
      llm.reply({ chunks: ['Par', 'is.'] });
      llm.failNext({ kind: 'stalled', after: 'first_token' });
      const reader = router.stream(HELLO)[Symbol.asyncIterator]();
      await reader.next();
      const other = router.stream(HELLO)[Symbol.asyncIterator]();
      llm.failNext({ kind: 'stalled', after: 'first_token' });
      await other.next();
      const waiting = other.next();
      llm.reset();
      await waiting;
      for (const stream of [reader, other]) while ((await stream.next()).done !== true);
      llm.expectNothingRouted();
      expect(lastErrorKind()).toBeNull();
    });

    it('gives its later calls the default reply, and writes none of them down', async () => {
      // The fault is taken at once; the next model is called in a later turn.
      llm.failNext('server_error');
      const moving = text();
      llm.reset();
      llm.replyNext('Of the next test.');
      expect(await moving).toMatch(/simulated.*claude-haiku/);
      expect(llm.calls).toEqual([]);
      expect(await text()).toBe('Of the next test.');
    });

    it('stalls again in the next test', async () => {
      llm.reset();
      llm.failAlways('stalled');
      const leaving = new AbortController();
      const answer = router.chat(HELLO, { signal: leaving.signal });
      const isOpen = await Promise.race([answer, new Promise((resolve) => setImmediate(resolve, 'open'))]);
      expect(isOpen).toBe('open');
      leaving.abort();
      await expect(answer).rejects.toMatchObject({ code: 'client_closed_request' });
    });
  });

  it('gives way to a RouterService of the test', async () => {
    const overridden = await Test.createTestingModule({
      imports: [LlmRouterTestingModule.forRoot()],
      controllers: [ChatController],
    })
      .overrideProvider(RouterService)
      .useValue({
        chat: () =>
          Promise.resolve({ choices: [{ message: { content: 'Mine.' } }], routing: { model: 'none' } }),
      })
      .compile();
    open.push(overridden);
    expect(await overridden.get(ChatController).answer({ question: 'Whose?' })).toEqual({
      answer: 'Mine.',
      by: 'none',
    });
    overridden.get(LlmRouterTesting).expectNothingRouted();
  });
});

describe('LlmRouterTestingModule with options', () => {
  it('holds the floors of a surface: what is under them is never called', async () => {
    const { llm, chat } = await testingModule({
      surfaces: { support: { qualityFloor: 'gpt-4.1' }, summaries: {} },
    });
    const question = 'What is the capital of France?';
    await chat.answer({ question });
    llm.failAlways('server_error');
    await expect(chat.answer({ question })).rejects.toMatchObject({ code: 'all_attempts_failed' });
    llm.expectRouted({ surface: 'support', times: 2 });
    expect(llm.calls.map(({ model }) => model)).not.toContain('gpt-4o-mini');
  });

  it('refuses the boot for a surface that is declared and not configured, where surfaces are given', async () => {
    await expect(testingModule({ surfaces: { support: {} } })).rejects.toThrow(
      /there is no surface "summaries"/,
    );
  });

  it('takes rules, models and providers of the user, in either spelling', async () => {
    const { llm, chat } = await testingModule({
      providers: { local: { api: 'openai-compatible', base_url: 'http://127.0.0.1:9/v1' } },
      models: { 'my-llama': { provider: 'local', upstream_model: 'llama3.3' } },
      routing_rules: { simple_queries: { primary: 'my-llama' } },
    });
    llm.model('my-llama').reply('Paris.');
    expect(await chat.answer({ question: 'Capital?' })).toEqual({ answer: 'Paris.', by: 'my-llama' });
    expect(llm.calls).toMatchObject([{ model: 'my-llama', upstreamModel: 'llama3.3', provider: 'local' }]);
  });

  it('takes rules in snake_case over the providers of its own', async () => {
    const { llm, chat } = await testingModule({
      routing_rules: { simple_queries: { primary: 'gpt-4.1-nano' } },
    });
    await chat.answer({ question: 'Capital?' });
    llm.expectRouted({ model: 'gpt-4.1-nano' });
  });

  it('leaves request-scoped providers of the application as they are', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Visit {
      readonly id = Symbol('visit');
    }
    const visits = new Set<symbol>();
    @Surface('support')
    @Controller('visits')
    class VisitController {
      constructor(
        private readonly visit: Visit,
        private readonly router: RouterService,
      ) {}

      @Post()
      async answer(): Promise<string> {
        visits.add(this.visit.id);
        return (await this.router.chat(HELLO)).routing.surface;
      }
    }
    const module = await Test.createTestingModule({
      imports: [LlmRouterTestingModule.forRoot()],
      controllers: [VisitController],
      providers: [Visit],
    }).compile();
    const app = module.createNestApplication({ logger: false });
    await app.listen(0, '127.0.0.1');
    open.push(app);
    const url = (await app.getUrl()).replace('[::1]', '127.0.0.1');
    for (let count = 0; count < 2; count += 1) {
      expect(await (await fetch(`${url}/visits`, { method: 'POST' })).text()).toBe('support');
    }
    expect(visits.size).toBe(2);
  });

  it('leaves surfaces to the features that configure them', async () => {
    @Module({
      imports: [LlmRouterModule.forFeature({ surfaces: { support: { qualityFloor: 'gpt-4.1' } } })],
      controllers: [ChatController],
    })
    class SupportModule {}
    const module = await Test.createTestingModule({
      imports: [LlmRouterTestingModule.forRoot(), SupportModule],
    }).compile();
    await module.init();
    open.push(module);
    await module.get(ChatController).answer({ question: 'Capital?' });
    const [call] = module.get(LlmRouterTesting).calls;
    expect(call?.model).not.toBe('gpt-4o-mini');
  });

  it('keeps two at a time apart', async () => {
    const [first, second] = await Promise.all([testingModule(), testingModule()]);
    first.llm.reply('First.');
    second.llm.reply('Second.');
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        (index % 2 === 0 ? first : second).chat.answer({ question: `Question ${index}?` }),
      ),
    );
    expect(answers.map(({ answer }) => answer)).toEqual(
      Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? 'First.' : 'Second.')),
    );
    first.llm.expectRouted({ times: 10 });
    second.llm.expectRouted({ times: 10 });
    expect(second.llm.calls).toHaveLength(10);
  });

  it('gives concurrent calls their own names and outcomes', async () => {
    const { llm, router } = await testingModule();
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    llm.reply(async ({ lastUserText }) => {
      if (lastUserText === 'slow') await gate;
      return lastUserText;
    });
    const ask = (content: string, surface: string) =>
      router.chat({ messages: [{ role: 'user', content }] }, { surface });
    const slow = ask('slow', 'support');
    await ask('quick', 'summaries');
    expect(llm.calls.map(({ lastUserText, surface }) => [lastUserText, surface])).toEqual([
      ['slow', undefined],
      ['quick', 'summaries'],
    ]);
    release();
    await slow;
    expect(llm.requests.map(({ surface, calls }) => [surface, calls[0]?.lastUserText])).toEqual([
      ['summaries', 'quick'],
      ['support', 'slow'],
    ]);
  });
});

describe("LlmRouterTesting in the user's own application", () => {
  const secret = 'LLM_ROUTER_TEST_UNSET_KEY';

  @Module({
    imports: [
      LlmRouterModule.forRootAsync({
        isGlobal: true,
        useFactory: () => ({
          providers: {
            openai: { api: 'openai', apiKey: `\${${secret}}` },
            local: { api: 'openai-compatible', baseUrl: '${LLM_ROUTER_TEST_UNSET_URL}' },
          },
          models: { 'my-llama': { provider: 'local', quality: 0.3 } },
          routingRules: {
            simple_queries: { primary: 'gpt-4o-mini', fallback: ['gpt-4.1-mini', 'my-llama'] },
          },
          surfaces: { support: { qualityFloor: 0.4 } },
        }),
      }),
      LlmRouterHttpModule.register({ path: '' }),
    ],
    controllers: [ChatController],
  })
  class AppModule {}

  let llm: LlmRouterTesting;
  let app: INestApplication;
  let url: string;

  beforeEach(async () => {
    expect(process.env[secret]).toBeUndefined();
    llm = new LlmRouterTesting();
    const module = await Test.createTestingModule({ imports: [AppModule] })
      .overrideProvider(LlmUpstreams)
      .useValue(llm)
      .compile();
    app = module.createNestApplication({ logger: false });
    await app.listen(0, '127.0.0.1');
    open.push(app);
    url = (await app.getUrl()).replace('[::1]', '127.0.0.1');
  });

  const ask = async (): Promise<{ status: number; body: unknown }> => {
    const response = await fetch(`${url}/chat`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ question: 'What is the capital of France?' }),
    });
    return { status: response.status, body: await response.json() };
  };

  it('boots without a key, and answers its routes by its own rules and floors', async () => {
    llm.reply('Paris.');
    expect(await ask()).toEqual({ status: 201, body: { answer: 'Paris.', by: 'gpt-4o-mini' } });
    llm.expectRouted({ surface: 'support', model: 'gpt-4o-mini', tier: 'primary' });
    llm.model('gpt-4o-mini').failAlways('refused');
    expect(await ask()).toMatchObject({ body: { by: 'gpt-4.1-mini' } });
    llm.provider('openai').failAlways('refused');
    await ask();
    expect(llm.calls.map(({ model }) => model)).not.toContain('my-llama');
  });

  it('answers the HTTP module, streams included, through the official client', async () => {
    const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'any', maxRetries: 0 });
    llm.reply({ chunks: ['Par', 'is.'] });
    const stream = await client.chat.completions.create({
      model: 'auto',
      messages: [{ role: 'user', content: 'Capital of France?' }],
      stream: true,
    });
    const texts: string[] = [];
    for await (const chunk of stream) texts.push(chunk.choices[0]?.delta.content ?? '');
    expect(texts.join('')).toBe('Paris.');
    llm.expectRouted({ streamed: true, outcome: 'succeeded' });

    llm.failAlways({ kind: 'rate_limited', retryAfterMs: 3_000 });
    const refused = await client.chat.completions
      .create(
        { model: 'auto', messages: [{ role: 'user', content: 'Again?' }] },
        // The wait does not fit into it: otherwise the router would wait itself.
        { headers: { 'x-llm-deadline-ms': '2000' } },
      )
      .catch((error: unknown) => error as InstanceType<typeof OpenAI.APIError>);
    expect(refused).toMatchObject({ status: 429, code: 'rate_limit_exceeded' });
  });

  it('may be used by class, and may name its models before the boot', async () => {
    const module = await Test.createTestingModule({ imports: [AppModule] })
      .overrideProvider(LlmUpstreams)
      .useClass(LlmRouterTesting)
      .compile();
    open.push(module);
    const made = module.get<unknown>(LlmUpstreams, { strict: false });
    expect(made).toBeInstanceOf(LlmRouterTesting);

    const misspelt = new LlmRouterTesting();
    misspelt.model('gpt-4o-mni').reply('Paris.');
    const boot = Test.createTestingModule({ imports: [AppModule] })
      .overrideProvider(LlmUpstreams)
      .useValue(misspelt)
      .compile();
    await expect(boot).rejects.toThrow('There is no model "gpt-4o-mni"');
  });

  it('serves one application after the other with one handle', async () => {
    await app.close();
    const module = await Test.createTestingModule({ imports: [AppModule] })
      .overrideProvider(LlmUpstreams)
      .useValue(llm)
      .compile();
    open.push(module);
    await module.get(ChatController).answer({ question: 'Capital?' });
    llm.expectRouted({ surface: 'support', times: 1 });
  });
});

describe('one LlmRouterTesting for several applications', () => {
  async function application(llm: LlmRouterTesting, model: string): Promise<TestingModule> {
    const module = await Test.createTestingModule({
      imports: [
        LlmRouterModule.forRoot({
          providers: { [`provider-of-${model}`]: { api: 'openai', apiKey: '${LLM_ROUTER_TEST_UNSET_KEY}' } },
          models: { [model]: { provider: `provider-of-${model}`, quality: 0.5 } },
          routingRules: { simple_queries: { primary: model } },
        }),
      ],
    })
      .overrideProvider(LlmUpstreams)
      .useValue(llm)
      .compile();
    await module.init();
    open.push(module);
    return module;
  }

  it('asks only those that are open for the name of a model', async () => {
    const llm = new LlmRouterTesting();
    const first = await application(llm, 'alpha');
    llm.model('alpha').reply('Of alpha.');
    llm.provider('provider-of-alpha').failAlways('connection');
    await expect(first.get(RouterService).chat(HELLO)).rejects.toMatchObject({ code: 'all_attempts_failed' });
    await first.close();
    // Its requests are still there, and so are its names: scripts of them do not refuse the next boot.
    expect(() => llm.expectRouted({ model: 'alpha' })).toThrow(/as \{ model: "alpha" \}\.\nRouted \(1\)/);

    const second = await application(llm, 'beta');
    expect(() => llm.model('alpha')).toThrow('There is no model "alpha"');
    llm.reset();
    llm.model('beta').reply('Of beta.');
    llm.provider('provider-of-beta').heal();
    expect(() => llm.model('alpha')).toThrow('There is no model "alpha"');
    expect(() => llm.provider('provider-of-alpha')).toThrow('There is no provider "provider-of-alpha"');
    await second.get(RouterService).chat(HELLO);
    llm.expectRouted({ model: 'beta', times: 1 });
    expect(() => llm.expectRouted({ model: 'alpha' })).toThrow(/There is no model "alpha"/);

    await second.close();
    llm.reset();
    const third = await application(llm, 'gamma');
    await third.get(RouterService).chat(HELLO);
    llm.expectRouted({ model: 'gamma', times: 1 });
  });

  it('scripts those of two that are open at a time', async () => {
    const llm = new LlmRouterTesting();
    const routers = [await application(llm, 'alpha'), await application(llm, 'beta')].map((module) =>
      module.get(RouterService),
    );
    llm.model('alpha').reply('Of alpha.');
    llm.model('beta').reply('Of beta.');
    const answers = await Promise.all(routers.map((router) => router.chat(HELLO)));
    expect(answers.map(({ choices }) => choices[0]?.message.content)).toEqual(['Of alpha.', 'Of beta.']);
  });

  it('ends what stalls in the one that closes, and nothing of the other', async () => {
    const llm = new LlmRouterTesting();
    const [first, second] = [await application(llm, 'alpha'), await application(llm, 'beta')];
    llm.failAlways('stalled');
    const leaving = new AbortController();
    const ended = first.get(RouterService).chat(HELLO);
    const stalled = second.get(RouterService).chat(HELLO, { signal: leaving.signal });
    const closed = first.close();
    await expect(ended).rejects.toMatchObject({ code: 'all_attempts_failed' });
    await closed;
    expect(await Promise.race([stalled, Promise.resolve('open')])).toBe('open');
    leaving.abort();
    await expect(stalled).rejects.toMatchObject({ code: 'client_closed_request' });
  });
});
