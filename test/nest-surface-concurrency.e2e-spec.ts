import { AsyncResource } from 'node:async_hooks';
import { EventEmitter, once } from 'node:events';
import { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import {
  Body,
  Controller,
  Injectable,
  Param,
  ParseIntPipe,
  Post,
  StreamableFile,
  UseInterceptors,
} from '@nestjs/common';
import type OpenAI from 'openai';
import {
  filter,
  forkJoin,
  from,
  map,
  merge,
  mergeMap,
  type Observable,
  reduce,
  Subject,
  take,
  timer,
} from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  InjectOpenAI,
  LlmMetricsInterceptor,
  LlmRouterHttpModule,
  LlmRouterModule,
  RouterService,
  Surface,
} from 'nestjs-llm-router';
import { createScriptedUpstream, type ScriptedUpstream } from 'nestjs-llm-router/testing';
// Internal on purpose: only the bus shows every record.
import { RouterEngine } from '../lib/router/index.js';
import type { HandlerRecord, RequestRecord } from '../lib/telemetry/index.js';
import { createHostApp, type HostApp } from './support/host-app.js';
import { PLATFORMS } from './support/router-app.js';

const REQUESTS = 200;
/** A surface's model is pinned: it says under which surface a call was made. */
const MODEL_OF = { support: 'plain', legal: 'fine', audit: 'strict' } as const;

interface Question {
  readonly question: string;
}

function asking(question: string) {
  return { messages: [{ role: 'user' as const, content: question }] };
}

/** The whole of what models answered: `<model> <question>`. */
@Injectable()
class Asker {
  constructor(private readonly router: RouterService) {}

  async ask(question: string): Promise<string> {
    const completion = await this.router.chat(asking(question));
    // What came back and what it was counted as must agree.
    expect(completion.routing.model).toBe(MODEL_OF[completion.routing.surface as keyof typeof MODEL_OF]);
    return completion.choices[0]?.message.content ?? '';
  }
}

/** A service with a surface of its own on one method. */
@Injectable()
class Auditor {
  constructor(private readonly asker: Asker) {}

  @Surface('audit')
  async audit(question: string): Promise<string> {
    await wait(1);
    return this.asker.ask(question);
  }
}

/** One emitter and one subject for all requests. */
@Injectable()
class Channels {
  readonly emitter = new EventEmitter().setMaxListeners(0);
  readonly subject = new Subject<{ id: string; question: string }>();

  constructor(asker: Asker) {
    // Set up at boot, outside every request; it runs where it is emitted.
    this.emitter.on('ask', (question: string, answered: (answer: string | Promise<string>) => void) => {
      answered(asker.ask(question));
    });
  }
}

abstract class AnyController {
  constructor(
    protected readonly router: RouterService,
    protected readonly asker: Asker,
    protected readonly auditor: Auditor,
    protected readonly channels: Channels,
    @InjectOpenAI() protected readonly client: OpenAI,
  ) {}

  /** Emitted by the request, answered by a listener that was there before it. */
  @Post('sharedEmitter')
  async sharedEmitter(@Body() { question }: Question): Promise<string[]> {
    await wait(Math.random() * 3);
    return [await new Promise<string>((resolve) => this.channels.emitter.emit('ask', question, resolve))];
  }

  /** Emitted by whichever request comes next: a listener that is to keep its context is bound to it. */
  @Post('boundListener')
  async boundListener(@Body() { question }: Question): Promise<string[]> {
    const answer = new Promise<string>((resolve) => {
      const listener = AsyncResource.bind(() => {
        resolve(this.asker.ask(question));
      });
      this.channels.emitter.once('any request', listener);
    });
    await wait(Math.random() * 3);
    this.channels.emitter.emit('any request');
    return [await answer];
  }

  /** Waits for an event that some other request may bring about. */
  @Post('awaitedEvent')
  async awaitedEvent(@Body() { question }: Question): Promise<string[]> {
    const event = once(this.channels.emitter, 'any request');
    setImmediate(() => this.channels.emitter.emit('any request'));
    await event;
    return [await this.asker.ask(question)];
  }

  @Post('sharedSubject')
  sharedSubject(@Body() { question }: Question): Observable<string[]> {
    const { subject } = this.channels;
    setTimeout(() => {
      subject.next({ id: question, question });
    }, 1);
    return subject.pipe(
      filter(({ id }) => id === question),
      take(1),
      mergeMap((asked) => this.asker.ask(asked.question)),
      map((answer) => [answer]),
    );
  }

  @Post('timers')
  async timers(@Body() { question }: Question): Promise<string[]> {
    const answers: Promise<string>[] = [];
    await new Promise<void>((resolve) => {
      const interval = setInterval(() => {
        answers.push(this.asker.ask(question));
        if (answers.length < 3) return;
        clearInterval(interval);
        setTimeout(() => {
          answers.push(this.asker.ask(question));
          queueMicrotask(() => {
            answers.push(this.asker.ask(question));
            resolve();
          });
        }, 1);
      }, 1);
    });
    return Promise.all(answers);
  }

  @Post('promiseAll')
  promiseAll(@Body() { question }: Question): Promise<string[]> {
    return Promise.all([1, 2, 3].map((pause) => wait(pause).then(() => this.asker.ask(question))));
  }

  @Post('client')
  async byClient(@Body() { question }: Question): Promise<string[]> {
    const call = { model: 'auto', ...asking(question) };
    const [whole, streamed] = await Promise.all([
      this.client.chat.completions.create(call),
      this.client.chat.completions.create({ ...call, stream: true }),
    ]);
    let text = '';
    for await (const chunk of streamed) text += chunk.choices[0]?.delta.content ?? '';
    return [whole.choices[0]?.message.content ?? '', text];
  }

  /** Made in the handler, subscribed to after it. */
  @Post('observables')
  observables(@Body() { question }: Question): Observable<string[]> {
    const text = (): Observable<string> =>
      this.router
        .stream$(asking(question))
        .pipe(reduce((all, chunk) => all + (chunk.choices[0]?.delta.content ?? ''), ''));
    return forkJoin([
      text(),
      timer(2).pipe(mergeMap(text)),
      merge(from(this.asker.ask(question)), timer(1).pipe(map(() => ''))).pipe(
        reduce((all, each) => all + each),
      ),
    ]);
  }

  /** Read when the handler is long over. */
  @Post('file')
  file(@Body() { question }: Question): StreamableFile {
    const { router, asker } = this;
    async function* lines(): AsyncGenerator<string> {
      await wait(1);
      for await (const chunk of router.stream(asking(question))) yield chunk.choices[0]?.delta.content ?? '';
      yield `\n${await asker.ask(question)}`;
    }
    return new StreamableFile(Readable.from(lines(), { objectMode: false }), { type: 'text/plain' });
  }

  /** Another surface inside this one, beside it and before it. */
  @Post('audited')
  async audited(@Body() { question }: Question): Promise<string[]> {
    const together = await Promise.all([
      this.asker.ask(question),
      this.auditor.audit(question),
      this.asker.ask(question),
    ]);
    return [...together, await this.auditor.audit(question), await this.asker.ask(question)];
  }

  /** The same over many requests of one handler: what is to be called is the request's. */
  @Post('many/:calls')
  async many(@Param('calls', ParseIntPipe) calls: number, @Body() { question }: Question): Promise<string[]> {
    const answers: string[] = [];
    for (let call = 0; call < calls; call++) answers.push(await this.asker.ask(question));
    return answers;
  }
}

@UseInterceptors(LlmMetricsInterceptor)
@Surface('support')
@Controller('support')
class SupportController extends AnyController {}

@UseInterceptors(LlmMetricsInterceptor)
@Surface('legal')
@Controller('legal')
class LegalController extends AnyController {}

/** Which calls each makes: `own` stands for the surface of the controller. */
const OWN = 'own' as const;
const CALLS: Readonly<Record<string, readonly (typeof OWN | 'audit')[]>> = {
  sharedEmitter: [OWN],
  boundListener: [OWN],
  awaitedEvent: [OWN],
  sharedSubject: [OWN],
  timers: [OWN, OWN, OWN, OWN, OWN],
  promiseAll: [OWN, OWN, OWN],
  client: [OWN, OWN],
  observables: [OWN, OWN, OWN],
  file: [OWN, OWN],
  audited: [OWN, 'audit', OWN, 'audit', OWN],
  'many/4': [OWN, OWN, OWN, OWN],
};

describe.each(PLATFORMS)(`${REQUESTS} requests at once over two surfaces on %s`, (platform) => {
  let upstream: ScriptedUpstream;
  let host: HostApp;
  const requests: RequestRecord[] = [];
  const handled: HandlerRecord[] = [];
  const asked = Array.from({ length: REQUESTS }, (_, index) => {
    const kinds = Object.keys(CALLS);
    // Both surfaces at every kind, and neighbours never of the same.
    const surface = index % 2 === 0 ? ('support' as const) : ('legal' as const);
    const kind = kinds[Math.floor(index / 2) % kinds.length]!;
    const surfaces = CALLS[kind]!.map((of) => (of === OWN ? surface : of));
    return { surface, path: `/${surface}/${kind}`, question: `q-${index}`, surfaces };
  });
  const calls = asked.flatMap(({ surfaces }) => surfaces);
  let allHandled: Promise<void>;
  let answers: { path: string; status: number; answers: string[] }[];

  beforeAll(async () => {
    upstream = await createScriptedUpstream({
      api: 'openai',
      reply: ({ model, lastUserText }) => ({ text: `${model} ${lastUserText}` }),
    });
    upstream.setLatency({ timeToFirstTokenMs: 4, tokensPerSecond: 1_000, jitter: 0.9 });
    const model = { provider: 'upstream', price: { inputPer1M: 1, outputPer1M: 1 } };
    host = await createHostApp({
      platform,
      controllers: [SupportController, LegalController],
      providers: [Asker, Auditor, Channels],
      imports: [
        LlmRouterModule.forRoot({
          providers: { upstream: { api: 'openai', baseUrl: upstream.baseUrl, apiKey: 'test-key' } },
          models: { bare: model, plain: model, fine: model, strict: model },
          routingRules: { simple_queries: { primary: 'bare' } },
          surfaces: { support: { pin: 'plain' }, legal: { pin: 'fine' }, audit: { pin: 'strict' } },
        }),
        LlmRouterHttpModule.register(),
      ],
    });
    const { bus } = host.app.get(RouterEngine, { strict: false });
    bus.on('request-ended', (record) => requests.push(record));
    allHandled = new Promise<void>((resolve) => {
      bus.on('handler-ended', (record) => {
        if (handled.push(record) === REQUESTS) resolve();
      });
    });
    answers = await Promise.all(
      asked.map(async ({ path, question }) => {
        const answer = await host.postJson(path, { question });
        const isText = String(answer.headers['content-type']).startsWith('text/plain');
        return {
          path,
          status: answer.status,
          answers: isText ? answer.text.split('\n') : (answer.json() as string[]),
        };
      }),
    );
  });

  afterAll(async () => {
    await host.close();
    await upstream.close();
  });

  it('carry their own surface and question in every answer', () => {
    expect(answers).toEqual(
      asked.map(({ path, question, surfaces }) => ({
        path,
        status: 201,
        answers: surfaces.map((surface) => `${MODEL_OF[surface]} ${question}`),
      })),
    );
  });

  it('carry it in every request record, once', () => {
    expect(requests).toHaveLength(calls.length);
    expect(new Set(requests.map(({ decisionId }) => decisionId)).size).toBe(calls.length);
    for (const record of requests) {
      expect(record).toMatchObject({
        outcome: 'succeeded',
        servedBy: { model: MODEL_OF[record.surface as keyof typeof MODEL_OF] },
      });
    }
    expect(upstream.requestCount).toBe(calls.length);
  });

  it('add up exactly in the KPIs by surface, by model and by handler', async () => {
    await allHandled;
    const { total, surfaces, models, handlers } = (
      await host.send({ path: '/router/kpis' })
    ).json() as ReturnType<RouterEngine['kpis']['report']>;
    expect(Object.keys(surfaces).sort()).toEqual(['audit', 'legal', 'support']);
    expect(total.requests).toBe(calls.length);
    for (const [surface, model] of Object.entries(MODEL_OF)) {
      const count = calls.filter((each) => each === surface).length;
      expect(surfaces[surface]).toMatchObject({ requests: count, succeeded: count });
      expect(models[model]).toMatchObject({ requests: count, succeeded: count });
      const ofSurface = requests.filter((record) => record.surface === surface);
      expect(surfaces[surface]!.tokens.promptTokens).toBe(
        ofSurface.reduce((sum, { usage }) => sum + usage.promptTokens, 0),
      );
      expect(surfaces[surface]!.costUsd).toBeCloseTo(models[model]!.costUsd, 12);
    }
    expect(Object.values(handlers).reduce((sum, handler) => sum + handler.requests, 0)).toBe(calls.length);
    for (const { handler, surface, calls: count } of handled) {
      const [className = '', method = ''] = handler.split('.');
      expect(surface).toBe(className.replace('Controller', '').toLowerCase());
      const kind = method === 'byClient' ? 'client' : method === 'many' ? 'many/4' : method;
      expect({ handler, count }).toEqual({ handler, count: CALLS[kind]!.length });
    }
  });
});
