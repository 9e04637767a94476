import { EventEmitter, once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { Controller, type ExecutionContext, Get, Injectable, UseGuards } from '@nestjs/common';
import { ExternalContextCreator } from '@nestjs/core';
import {
  ClientProxyFactory,
  EventPattern,
  MessagePattern,
  type MicroserviceOptions,
  Transport,
} from '@nestjs/microservices';
import { WsAdapter } from '@nestjs/platform-ws';
import { Cron, ScheduleModule, SchedulerRegistry } from '@nestjs/schedule';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { defer, from, lastValueFrom, type Observable, Subject } from 'rxjs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import {
  type LlmRequestContext,
  LlmRouterModule,
  type LlmRouterOptions,
  NoEligibleModelError,
  RouterService,
  Surface,
} from 'nestjs-llm-router';
import { createScriptedUpstream, type ScriptedUpstream } from 'nestjs-llm-router/testing';
import { createHostApp, type HostApp } from './support/host-app.js';

/** The answer of a pinned model tells the surface that held. */
const QUALITY = { plain: 0.5, fine: 0.6, bare: 0.4 } as const;

@Injectable()
class Asker {
  constructor(private readonly router: RouterService) {}

  async ask(): Promise<string> {
    const completion = await this.router.chat({ messages: [{ role: 'user', content: 'Hello?' }] });
    return completion.choices[0]?.message.content ?? '';
  }

  /** The answer and what the request was planned under. */
  explain(): { workload: string; surface: string } {
    const { surface, workload } = this.router.explain({ messages: [{ role: 'user', content: 'Hello?' }] });
    return { surface, workload };
  }
}

let upstream: ScriptedUpstream;

beforeAll(async () => {
  upstream = await createScriptedUpstream({ api: 'openai', reply: ({ model }) => ({ text: model }) });
});

afterAll(async () => {
  await upstream.close();
});

function options(): LlmRouterOptions {
  const facts = { provider: 'upstream', price: { inputPer1M: 1, outputPer1M: 1 }, contextWindow: 8_000 };
  return {
    providers: { upstream: { api: 'openai', baseUrl: upstream.baseUrl } },
    models: Object.fromEntries(
      Object.entries(QUALITY).map(([name, quality]) => [
        name,
        { ...facts, capabilities: ['streaming'], quality },
      ]),
    ),
    routingRules: { simple_queries: { primary: 'bare', fallback: 'fine', emergency: 'plain' } },
    surfaces: { support: { pin: 'plain' }, legal: { pin: 'fine' }, open: {} },
    execution: { maxAttempts: 2 },
  };
}

const router = (): ReturnType<typeof LlmRouterModule.forRoot> =>
  LlmRouterModule.forRoot({ ...options(), isGlobal: true });

describe('@Surface on what Nest does not call as a handler', () => {
  @Surface('support')
  abstract class BaseService {
    protected abstract readonly asker: Asker;

    ask(): Promise<string> {
      return this.asker.ask();
    }
  }

  @Surface('legal')
  @Injectable()
  class LegalService extends BaseService {
    constructor(
      protected readonly asker: Asker,
      private readonly llm: RouterService,
    ) {
      super();
    }

    /** A private helper among others: it stays where its caller is. */
    helper(): Promise<string> {
      return this.asker.ask();
    }

    @Surface('support')
    askAsSupport(): Promise<string> {
      return this.helper();
    }

    askRunningAs(surface: string): Promise<string> {
      return this.llm.runWith({ surface }, () => this.helper());
    }
  }

  @Injectable()
  class Everything {
    static readonly named = 'statics stay';

    readonly events = new EventEmitter();
    readonly sharedStream = new Readable({ read: () => undefined });

    constructor(
      private readonly asker: Asker,
      private readonly llm: RouterService,
      private readonly legal: LegalService,
    ) {}

    @Surface('support')
    promise(): Promise<string> {
      return this.asker.ask();
    }

    @Surface('support')
    observable(): Observable<string> {
      return defer(() => from(this.asker.ask()));
    }

    @Surface('support')
    async *generator(): AsyncGenerator<string> {
      yield await this.asker.ask();
      await new Promise((resolve) => setImmediate(resolve));
      yield await this.asker.ask();
    }

    @Surface('support')
    stream(): AsyncIterable<{ choices: { delta: { content?: string | null } }[] }> {
      return this.llm.stream({ messages: [{ role: 'user', content: 'Hello?' }] });
    }

    @Surface('support')
    all(): Promise<string[]> {
      return Promise.all([
        this.asker.ask(),
        this.legal.ask(),
        new Promise<string>((resolve) => setTimeout(() => void this.asker.ask().then(resolve), 1)),
        new Promise<string>((resolve) => {
          this.events.once('tick', () => void this.asker.ask().then(resolve));
          this.events.emit('tick');
        }),
      ]);
    }

    @Surface('support')
    subject(): Subject<string> {
      return new Subject<string>();
    }

    @Surface('open', { workload: 'background', qualityFloor: 0.55 })
    overridden(): { workload: string; surface: string } {
      return this.asker.explain();
    }

    @Surface('open', { qualityFloor: 0.55 })
    floored(): Promise<string> {
      return this.asker.ask();
    }

    @Surface('open', { qualityFloor: 0.55 })
    naming(surface: string): Promise<string> {
      return this.llm.runWith({ surface }, () => this.asker.ask());
    }

    @Surface('open', { qualityFloor: 0.55, workload: 'background' })
    calling(overrides: LlmRequestContext): Promise<string> {
      return this.llm
        .chat({ messages: [{ role: 'user', content: 'Hello?' }] }, overrides)
        .then(({ routing }) => `${routing.surface}:${routing.model}`);
    }

    @Surface('open', { qualityFloor: 0.55 })
    lowering(qualityFloor: number): Promise<string> {
      return this.llm.runWith({ qualityFloor }, () => this.asker.ask());
    }

    @Surface('support')
    iterable(): AsyncIterable<string> {
      const { asker } = this;
      return {
        [Symbol.asyncIterator]: () => ({
          next: async () => ({ done: false as const, value: await asker.ask() }),
        }),
      };
    }

    @Surface('support')
    *promises(): Generator<Promise<string>> {
      yield this.asker.ask();
    }

    @Surface('support')
    attachment(): { getStream(): never } {
      return {
        getStream: () => {
          throw new Error('nobody asked for it');
        },
      };
    }

    @Surface('support')
    shared(): Readable {
      return this.sharedStream;
    }

    plain(): Promise<string> {
      return this.asker.ask();
    }
  }

  /** What a subclass overrides was not there when the decorator of its base ran. */
  @Surface('support')
  abstract class Agent {
    abstract run(): Promise<string>;
  }

  @Injectable()
  class Triage extends Agent {
    constructor(private readonly asker: Asker) {
      super();
    }

    run(): Promise<string> {
      return this.asker.ask();
    }
  }

  let host: HostApp;
  let everything: Everything;
  let legal: LegalService;

  beforeAll(async () => {
    host = await createHostApp({
      platform: 'express',
      imports: [router()],
      providers: [Asker, LegalService, Everything, Triage],
    });
    everything = host.app.get(Everything);
    legal = host.app.get(LegalService);
  });

  afterAll(() => host.close());

  it('holds in a promise, an Observable, a generator and a stream', async () => {
    expect(await everything.promise()).toBe('plain');
    expect(await lastValueFrom(everything.observable())).toBe('plain');
    const parts: string[] = [];
    for await (const part of everything.generator()) parts.push(part);
    expect(parts).toEqual(['plain', 'plain']);
    let text = '';
    for await (const chunk of everything.stream()) text += chunk.choices[0]?.delta.content ?? '';
    expect(text).toBe('plain');
  });

  it('holds through Promise.all, timers and event emitters, and leaves a surface within to itself', async () => {
    expect(await everything.all()).toEqual(['plain', 'fine', 'plain', 'plain']);
  });

  it('ends with the method', async () => {
    await everything.promise();
    expect(await everything.plain()).toBe('bare');
  });

  it('of a class holds for calls from outside, of inherited methods too, not among its own methods', async () => {
    expect(await legal.ask()).toBe('fine');
    expect(await legal.askAsSupport()).toBe('plain');
    expect(await legal.askRunningAs('support')).toBe('plain');
  });

  it('holds in what a subclass overrides', async () => {
    expect(await host.app.get(Triage).run()).toBe('plain');
  });

  it('holds at every attempt: where the better model fails, no worse one answers', async () => {
    const asked = upstream.requestCount;
    upstream.failNext({ kind: 'status', status: 500 }, 2);
    await expect(everything.floored()).rejects.toMatchObject({ code: 'all_attempts_failed' });
    expect(upstream.requests.slice(asked).map(({ body }) => body.model)).toEqual(['fine', 'fine']);
    upstream.failNext({ kind: 'status', status: 500 });
    expect(await everything.plain()).toBe('fine');
  });

  it('holds in iterables by hand, generators that are not asynchronous, and what runWith gives back', async () => {
    for await (const answer of everything.iterable()) {
      expect(answer).toBe('plain');
      break;
    }
    for (const answer of everything.promises()) expect(await answer).toBe('plain');
    const llm = host.app.get(RouterService);
    const asker = host.app.get(Asker);
    const lazy = llm.runWith({ surface: 'legal' }, () => defer(() => from(asker.ask())));
    expect(await lastValueFrom(lazy)).toBe('fine');
  });

  it('touches nothing of what it hands on, however often', () => {
    expect(() => everything.attachment()).not.toThrow();
    everything.shared();
    const { _read: bound } = everything.sharedStream;
    for (let times = 0; times < 3_000; times += 1) everything.shared();
    expect(everything.sharedStream._read).toBe(bound);
    everything.sharedStream.read();
  });

  it('keeps what it wraps as it was: name, length, statics, a Subject', () => {
    expect(everything.calling.name).toBe('calling');
    expect(everything.calling).toHaveLength(1);
    expect(Everything.named).toBe('statics stay');
    const subject = everything.subject();
    expect(subject).toBeInstanceOf(Subject);
  });

  it('takes overrides: who waits, and a higher floor, which another surface further in does not inherit', async () => {
    expect(everything.overridden()).toEqual({ surface: 'open', workload: 'background' });
    // `bare` would be the first, and has 0.4.
    expect(await everything.floored()).toBe('fine');
    expect(await everything.naming('support')).toBe('plain');
  });

  it('gives way to what the call itself says, and a floor can only be raised', async () => {
    expect(await everything.calling({ surface: 'support' })).toBe('support:plain');
    expect(await everything.calling({})).toBe('open:fine');
    expect(await everything.calling({ qualityFloor: 0.1 })).toBe('open:fine');
    expect(await everything.lowering(0.1)).toBe('fine');
    await expect(everything.calling({ qualityFloor: 0.9 })).rejects.toBeInstanceOf(NoEligibleModelError);
    await expect(everything.calling({ qualityFloor: 60 })).rejects.toMatchObject({
      code: 'invalid_request',
      param: 'qualityFloor',
    });
  });
});

describe('floors of a decorator at boot', () => {
  it.each([
    [{ qualityFloor: 0.99 }, /no model of any rule is over the floors it sets/],
    [{ qualityFloor: 60 }, /qualityFloor must be a number from 0 to 1/],
    [{ maxOutputTokens: 0 }, /maxOutputTokens must be a whole number/],
    [{ workload: 'backgroun' as never }, /workload must be "interactive" or "background"/],
    [{ deadlineMs: Number.NaN }, /deadlineMs must be a number of milliseconds/],
  ])('%o stops it', async (overrides, message) => {
    @Controller()
    class TooHighController {
      @Surface('open', overrides)
      @Get()
      never(): string {
        return 'never';
      }
    }
    const boot = createHostApp({
      platform: 'express',
      imports: [router()],
      controllers: [TooHighController],
    });
    await expect(boot).rejects.toThrow(message);
    await expect(boot).rejects.toThrow(/TooHighController\.never/);
  });
});

describe('@Surface over every transport', () => {
  @Surface('legal')
  @Controller()
  class MessagesController {
    readonly seen = new EventEmitter();

    constructor(private readonly asker: Asker) {}

    @MessagePattern('promise')
    promise(): Promise<string> {
      return this.asker.ask();
    }

    @Surface('support')
    @MessagePattern('observable')
    observable(): Observable<string> {
      return defer(() => from(this.asker.ask()));
    }

    @EventPattern('event')
    async event(_data: unknown): Promise<void> {
      this.seen.emit('answer', await this.asker.ask());
    }
  }

  @Surface('support')
  @WebSocketGateway()
  class ChatGateway {
    constructor(private readonly asker: Asker) {}

    @SubscribeMessage('ask')
    async ask(): Promise<{ event: string; data: string }> {
      return { event: 'answer', data: await this.asker.ask() };
    }

    @Surface('legal')
    @SubscribeMessage('ask-twice')
    askTwice(): Observable<{ event: string; data: string }> {
      return defer(async () => ({ event: 'answer', data: await this.asker.ask() }));
    }
  }

  @Injectable()
  class NightlyJobs {
    readonly done = new EventEmitter();

    constructor(private readonly asker: Asker) {}

    @Surface('support', { workload: 'background' })
    @Cron('0 3 * * *', { name: 'below' })
    async below(): Promise<void> {
      const explained = this.asker.explain();
      this.done.emit('below', await this.asker.ask(), explained);
    }

    @Cron('0 4 * * *', { name: 'above' })
    @Surface('legal')
    async above(): Promise<void> {
      this.done.emit('above', await this.asker.ask());
    }
  }

  it('microservice: message and event handlers', async () => {
    const { app, close } = await createHostApp({
      platform: 'express',
      imports: [router()],
      controllers: [MessagesController],
      providers: [Asker],
    });
    const service = app.connectMicroservice<MicroserviceOptions>({
      transport: Transport.TCP,
      options: { host: '127.0.0.1', port: 0 },
    });
    await app.startAllMicroservices();
    const server = service.unwrap<{ address(): AddressInfo }>();
    const client = ClientProxyFactory.create({
      transport: Transport.TCP,
      options: { host: '127.0.0.1', port: server.address().port },
    });
    try {
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          lastValueFrom(client.send<string>(index % 2 === 0 ? 'promise' : 'observable', {})),
        ),
      );
      expect(answers).toEqual(Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? 'fine' : 'plain')));
      const seen = once(app.get(MessagesController).seen, 'answer');
      client.emit('event', {});
      expect(await seen).toEqual(['fine']);
    } finally {
      client.close();
      await close();
    }
  });

  it('WebSocket gateway', async () => {
    const host = await createHostApp({
      platform: 'express',
      imports: [router()],
      providers: [Asker, ChatGateway],
      configure: (app) => app.useWebSocketAdapter(new WsAdapter(app)),
    });
    const socket = new WebSocket(host.url.replace('http', 'ws'));
    try {
      await once(socket, 'open');
      const ask = async (event: string): Promise<unknown> => {
        const message = once(socket, 'message');
        socket.send(JSON.stringify({ event, data: {} }));
        const [data] = (await message) as [Buffer];
        return JSON.parse(data.toString());
      };
      expect(await ask('ask')).toEqual({ event: 'answer', data: 'plain' });
      expect(await ask('ask-twice')).toEqual({ event: 'answer', data: 'fine' });
    } finally {
      socket.close();
      await host.close();
    }
  });

  it('cron jobs, with the decorators in either order', async () => {
    const host = await createHostApp({
      platform: 'express',
      imports: [router(), ScheduleModule.forRoot()],
      providers: [Asker, NightlyJobs],
    });
    try {
      const registry = host.app.get(SchedulerRegistry);
      const jobs = host.app.get(NightlyJobs);
      const below = once(jobs.done, 'below');
      await registry.getCronJob('below').fireOnTick();
      expect(await below).toEqual(['plain', { surface: 'support', workload: 'background' }]);
      const above = once(jobs.done, 'above');
      await registry.getCronJob('above').fireOnTick();
      expect(await above).toEqual(['fine']);
    } finally {
      await host.close();
    }
  });

  /** What `@nestjs/graphql` does with a resolver: Nest's own entry for callers that are no transport of its. */
  describe('a resolver, as GraphQL calls it', () => {
    const PARAMETERS = 'test:params';

    class Guard {
      canActivate(context: ExecutionContext): boolean {
        return context.getType<string>() === 'graphql';
      }
    }

    @Surface('support')
    @Injectable()
    class Resolver {
      constructor(private readonly asker: Asker) {}

      @UseGuards(Guard)
      field(): Promise<string> {
        return this.asker.ask();
      }

      @Surface('legal')
      mutation(): Promise<string> {
        return this.asker.ask();
      }
    }

    let host: HostApp;

    beforeEach(async () => {
      host = await createHostApp({ platform: 'express', imports: [router()], providers: [Asker, Resolver] });
    });

    afterEach(() => host.close());

    const call = (method: 'field' | 'mutation'): Promise<unknown> => {
      const resolver = host.app.get(Resolver);
      const run = host.app
        .get(ExternalContextCreator)
        .create(
          resolver,
          resolver[method].bind(resolver),
          method,
          PARAMETERS,
          undefined,
          undefined,
          undefined,
          { guards: true, interceptors: true, filters: true },
          'graphql',
        );
      return Promise.resolve(run());
    };

    it('has its class’s surface, or its method’s', async () => {
      expect(await call('field')).toBe('plain');
      expect(await call('mutation')).toBe('fine');
      expect(await Promise.all([call('field'), call('mutation'), call('field')])).toEqual([
        'plain',
        'fine',
        'plain',
      ]);
    });
  });
});
