import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import {
  Controller,
  Get,
  Header,
  Injectable,
  type MessageEvent,
  type Provider,
  Res,
  Sse,
  StreamableFile,
  type Type,
  UseInterceptors,
} from '@nestjs/common';
import { concat, from, map, type Observable, of } from 'rxjs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type HandlerKpi,
  LlmMetricsInterceptor,
  LlmRouterHttpModule,
  LlmRouterModule,
  type LlmRouterModuleExtras,
  type LlmRouterOptions,
  RouterService,
  Surface,
} from 'nestjs-llm-router';
import { createScriptedUpstream, type ScriptedUpstream } from 'nestjs-llm-router/testing';
import { createHostApp, type HostApp } from './support/host-app.js';
import { LogCollector } from './support/log-collector.js';
import { parsePrometheusText } from './support/prometheus-text.js';
import { PLATFORMS } from './support/router-app.js';

const request = { messages: [{ role: 'user' as const, content: 'What is the capital of France?' }] };

let upstream: ScriptedUpstream;
let second: ScriptedUpstream;

beforeAll(async () => {
  upstream = await createScriptedUpstream({ api: 'openai' });
  second = await createScriptedUpstream({ api: 'openai' });
});

afterAll(async () => {
  await upstream.close();
  await second.close();
});

beforeEach(() => {
  const usage = { promptTokens: 1_000, completionTokens: 500 };
  for (const each of [upstream, second]) each.setReply(() => ({ text: 'one two three', usage }));
});

afterEach(async () => {
  await upstream.heal();
});

/** $1 and $2 per million tokens: 1,000 + 500 tokens cost $0.002. */
function options(): LlmRouterOptions {
  const facts = {
    price: { inputPer1M: 1, outputPer1M: 2 },
    contextWindow: 8_000,
    capabilities: ['streaming' as const],
    quality: 0.5,
  };
  return {
    providers: {
      upstream: { api: 'openai', baseUrl: upstream.baseUrl },
      second: { api: 'openai', baseUrl: second.baseUrl },
    },
    models: { first: { ...facts, provider: 'upstream' }, spare: { ...facts, provider: 'second' } },
    routingRules: { simple_queries: { primary: 'first', fallback: 'spare' } },
    surfaces: { support: { qualityFloor: 0.4 } },
  };
}

@Injectable()
class Handlers {
  constructor(private readonly router: RouterService) {}

  whole(): Promise<string> {
    return this.router.chat(request).then(({ choices }) => choices[0]?.message.content ?? '');
  }

  two(): Promise<string[]> {
    return Promise.all([this.whole(), this.whole()]);
  }

  stream(): StreamableFile {
    const { router } = this;
    async function* text(): AsyncGenerator<string> {
      for await (const chunk of router.stream(request)) yield chunk.choices[0]?.delta.content ?? '';
    }
    return new StreamableFile(Readable.from(text(), { objectMode: false }), { type: 'text/plain' });
  }

  events(): Observable<MessageEvent> {
    return concat(from(this.router.stream$(request)).pipe(map((chunk) => ({ data: chunk.id }))), of());
  }
}

const ROUTES = ['whole', 'two', 'stream', 'events'] as const;

function controllers(decorated: boolean): Type[] {
  @Surface('support')
  @Controller('support')
  class SupportController {
    constructor(private readonly handlers: Handlers) {}

    @Get('whole')
    whole(): Promise<string> {
      return this.handlers.whole();
    }

    @Get('two')
    two(): Promise<string[]> {
      return this.handlers.two();
    }

    @Get('stream')
    stream(): StreamableFile {
      return this.handlers.stream();
    }

    @Sse('events')
    events(): Observable<MessageEvent> {
      return this.handlers.events();
    }

    @Get('throws')
    async throws(): Promise<never> {
      await this.handlers.whole();
      throw new Error('after the call');
    }

    @Get('by-hand')
    @Header('x-own', 'yes')
    async byHand(@Res() reply: { send(text: string): unknown }): Promise<void> {
      reply.send(await this.handlers.whole());
    }

    @Get('nothing')
    nothing(): string {
      return 'asked nobody';
    }
  }
  if (decorated) UseInterceptors(LlmMetricsInterceptor)(SupportController);
  return [SupportController];
}

async function open(
  platform: (typeof PLATFORMS)[number],
  { decorated = true, ...extras }: LlmRouterModuleExtras & { decorated?: boolean } = {},
): Promise<{ host: HostApp; logs: LogCollector }> {
  const logs = new LogCollector();
  const providers: Provider[] = [Handlers];
  const host = await createHostApp({
    platform,
    nest: { logger: logs },
    imports: [
      LlmRouterModule.forRoot({ ...options(), isGlobal: true, ...extras }),
      LlmRouterHttpModule.register(),
    ],
    controllers: controllers(decorated),
    providers,
  });
  return { host, logs };
}

const handlerLines = (logs: LogCollector): string[] => logs.lines.filter((line) => line.includes('handler='));

async function kpis(host: HostApp): Promise<Record<string, HandlerKpi>> {
  const answer = await host.send({ path: '/router/kpis?by=handler' });
  return (answer.json() as { handlers: Record<string, HandlerKpi> }).handlers;
}

describe.each(PLATFORMS)('LlmMetricsInterceptor on %s', (platform) => {
  let host: HostApp;
  let logs: LogCollector;

  beforeEach(async () => {
    ({ host, logs } = await open(platform));
  });

  afterEach(() => host.close());

  it.each(ROUTES)('writes one line when %s has ended, with its figures', async (route) => {
    const answer = await host.send({ path: `/support/${route}` });
    expect(answer.status).toBe(200);
    await logs.whenLines(/handler=/, 1);
    const calls = route === 'two' ? 2 : 1;
    const lines = handlerLines(logs);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(
      new RegExp(
        `handler=SupportController\\.${route} surface=support outcome=succeeded calls=${calls} models=first ` +
          `tokens=${1_000 * calls}\\+${500 * calls} cost=\\$${(0.002 * calls).toFixed(6)} duration=\\d+ms waiting=\\d+%`,
      ),
    );
  });

  it('counts by handler, in the KPIs and in Prometheus', async () => {
    await host.send({ path: '/support/whole' });
    await host.send({ path: '/support/two' });
    await host.send({ path: '/support/two' });
    await logs.whenLines(/handler=/, 3);
    const found = await kpis(host);
    expect(Object.keys(found).sort()).toEqual(['SupportController.two', 'SupportController.whole']);
    expect(found['SupportController.two']).toMatchObject({
      handlerCalls: 2,
      succeeded: 2,
      requests: 4,
      failedRequests: 0,
      durationMs: { count: 2 },
      tokens: { promptTokens: 4_000, completionTokens: 2_000 },
    });
    expect(found['SupportController.two']?.costUsd).toBeCloseTo(0.008, 9);
    expect(found['SupportController.two']?.costPerCallUsd).toBeCloseTo(0.004, 9);
    const { samples } = parsePrometheusText((await host.send({ path: '/metrics' })).text);
    const sample = (name: string, handler: string): number | undefined =>
      samples.find((each) => each.name === name && each.labels.handler === handler)?.value;
    expect(sample('llm_router_handler_calls_total', 'SupportController.two')).toBe(2);
    expect(sample('llm_router_handler_duration_seconds_count', 'SupportController.whole')).toBe(1);
    const waited = sample('llm_router_handler_waiting_seconds_total', 'SupportController.two') ?? 0;
    expect(waited).toBeGreaterThan(0);
    expect(waited).toBeLessThanOrEqual(
      sample('llm_router_handler_duration_seconds_sum', 'SupportController.two') ?? 0,
    );
  });

  it('says nothing of a handler that asks no model', async () => {
    await host.send({ path: '/support/nothing' });
    await host.send({ path: '/support/whole' });
    await logs.whenLines(/handler=/, 1);
    expect(handlerLines(logs)).toHaveLength(1);
    expect(Object.keys(await kpis(host))).toEqual(['SupportController.whole']);
  });

  it('tells a handler that throws after its calls from one whose call was saved by the fallback', async () => {
    await host.send({ path: '/support/throws' });
    upstream.failAlways({ kind: 'status', status: 500 });
    await host.send({ path: '/support/whole' });
    await logs.whenLines(/handler=/, 2);
    const [thrown, saved] = handlerLines(logs);
    expect(thrown).toMatch(/throws surface=support outcome=failed calls=1 models=first/);
    expect(saved).toMatch(/whole surface=support outcome=succeeded calls=1 models=spare/);
    expect(logs.warnings.filter((line) => line.includes('handler='))).toEqual([thrown]);
  });

  it('warns of a handler that failed, with the code and the decision of its last failed request', async () => {
    for (const each of [upstream, second]) each.failAlways({ kind: 'status', status: 500 });
    await host.send({ path: '/support/whole' });
    await logs.whenLines(/handler=/, 1);
    await second.heal();
    const warned = logs.warnings.filter((line) => line.includes('handler='));
    expect(warned).toEqual(handlerLines(logs));
    const [, decision] =
      /outcome=failed calls=1 failed=1 error=all_attempts_failed decision=(dec_\S+) models=- /.exec(
        warned[0] ?? '',
      ) ?? [];
    // The same that the lines of its attempts begin with.
    expect(logs.lines.some((line) => line.startsWith(`${decision} attempt 1 `))).toBe(true);
  });

  it('counts a client that leaves in mid-stream when the stream has ended', async () => {
    upstream.setReply(() => ({ text: 'word '.repeat(400) }));
    upstream.setLatency({ timeToFirstTokenMs: 1, tokensPerSecond: 50 });
    const leaving = get(`${host.url}/support/stream`, { agent: false });
    const [response] = (await once(leaving, 'response')) as [IncomingMessage];
    await once(response, 'data');
    leaving.destroy();
    await logs.whenLines(/handler=/, 1);
    expect(handlerLines(logs)[0]).toMatch(/stream surface=support outcome=client_left calls=1 models=/);
    expect(logs.warnings.filter((line) => line.includes('handler='))).toEqual([]);
    expect((await kpis(host))['SupportController.stream']).toMatchObject({
      clientLeft: 1,
      failedRequests: 0,
    });
    upstream.setLatency({ timeToFirstTokenMs: 0, tokensPerSecond: Infinity });
  });

  it('sets no header of its own accord', async () => {
    const answer = await host.send({ path: '/support/whole' });
    expect(Object.keys(answer.headers).filter((name) => name.startsWith('x-llm'))).toEqual([]);
  });
});

describe.each(PLATFORMS)('the options of forRoot on %s', (platform) => {
  it('handlerMetrics: every handler of the host, without a decorator', async () => {
    const { host, logs } = await open(platform, { decorated: false, handlerMetrics: true });
    await host.send({ path: '/support/whole' });
    await logs.whenLines(/handler=SupportController\.whole/, 1);
    await host.send({ path: '/support/nothing' });
    expect(handlerLines(logs)).toHaveLength(1);
    await host.close();
  });

  it('nothing of it unless it is asked for', async () => {
    const { host, logs } = await open(platform, { decorated: false });
    await host.send({ path: '/support/whole' });
    expect(await kpis(host)).toEqual({});
    expect(handlerLines(logs)).toEqual([]);
    await host.close();
  });

  it('answerHeaders: the host’s own responses tell where their answer came from', async () => {
    const { host } = await open(platform, { answerHeaders: true });
    const whole = await host.send({ path: '/support/whole' });
    expect(whole.headers).toMatchObject({
      'x-llm-model': 'first',
      'x-llm-provider': 'upstream',
      'x-llm-tier': 'primary',
      'x-llm-attempts': '1',
      'x-llm-cost-usd': '0.002',
    });
    expect(whole.headers['x-llm-decision-id']).toMatch(/^\S+$/);
    const two = await host.send({ path: '/support/two' });
    expect(two.headers['x-llm-cost-usd']).toBe('0.004');
    const nothing = await host.send({ path: '/support/nothing' });
    expect(nothing.headers['x-llm-model']).toBeUndefined();
    const byHand = await host.send({ path: '/support/by-hand' });
    expect(byHand).toMatchObject({ status: 200, text: 'one two three' });
    await host.close();
  });
});

describe('LlmMetricsInterceptor', () => {
  it('without a router in the application fails the request, and says what is missing', async () => {
    @UseInterceptors(LlmMetricsInterceptor)
    @Controller()
    class LonelyController {
      @Get()
      hello(): string {
        return 'hello';
      }
    }
    const logs = new LogCollector();
    const host = await createHostApp({
      platform: 'express',
      nest: { logger: logs },
      controllers: [LonelyController],
    });
    expect(await host.send({ path: '/' })).toMatchObject({ status: 500 });
    expect(logs.lines.join('\n')).toContain('LlmRouterModule.forRoot');
    await host.close();
  });
});
