import {
  Body,
  Controller,
  Get,
  Injectable,
  type MessageEvent,
  Post,
  Sse,
  StreamableFile,
} from '@nestjs/common';
import { EventEmitter } from 'node:events';
import { Readable } from 'node:stream';
import { defer, from, lastValueFrom, map, mergeMap, type Observable, reduce, timer, toArray } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type ChatRequest,
  LlmContext,
  type LlmRequestContext,
  LlmRouterModule,
  RouterService,
  Surface,
} from 'nestjs-llm-router';
import { createScriptedUpstream, type ScriptedUpstream } from 'nestjs-llm-router/testing';
import { createHostApp, type HostApp } from './support/host-app.js';
import { PLATFORMS } from './support/router-app.js';

/** Which model stands behind which surface: the answer's first word tells the surface that held. */
const MODEL_OF = { none: 'bare', support: 'plain', legal: 'fine' } as const;

interface Question {
  readonly question: string;
}

function asking(question: string): ChatRequest {
  return { messages: [{ role: 'user', content: question }] };
}

@Injectable()
class DeepestService {
  constructor(private readonly router: RouterService) {}

  async ask(question: string): Promise<string> {
    const completion = await this.router.chat(asking(question));
    return completion.choices[0]?.message.content ?? '';
  }
}

@Injectable()
class DeeperService {
  constructor(private readonly deepest: DeepestService) {}

  async ask(question: string): Promise<string> {
    await Promise.resolve();
    return this.deepest.ask(question);
  }
}

@Injectable()
class DeepService {
  constructor(private readonly deeper: DeeperService) {}

  ask(question: string): Promise<string> {
    return this.deeper.ask(question);
  }
}

/** Every way a handler can answer; each says nothing of a surface itself. */
@Injectable()
class Handlers {
  constructor(
    private readonly router: RouterService,
    private readonly deep: DeepService,
  ) {}

  promise(question: string): Promise<string[]> {
    return this.deep.ask(question).then((answer) => [answer]);
  }

  observable(question: string): Observable<string[]> {
    return defer(() => from(this.deep.ask(question))).pipe(map((answer) => [answer]));
  }

  delayedObservable(question: string): Observable<string[]> {
    return timer(1).pipe(
      mergeMap(() => this.deep.ask(question)),
      map((answer) => [answer]),
    );
  }

  stream$(question: string): Observable<string[]> {
    return this.router.stream$(asking(question)).pipe(
      reduce((text, chunk) => text + (chunk.choices[0]?.delta.content ?? ''), ''),
      map((answer) => [answer]),
    );
  }

  file(question: string): StreamableFile {
    return new StreamableFile(Readable.from(this.pieces(question), { objectMode: false }), {
      type: 'text/plain',
    });
  }

  /** Begins to run when the response is written, after the handler. */
  async *pieces(question: string): AsyncGenerator<string> {
    await new Promise((resolve) => setTimeout(resolve, 1));
    for await (const chunk of this.router.stream(asking(question)))
      yield chunk.choices[0]?.delta.content ?? '';
    yield `\n${await this.deep.ask(question)}`;
  }

  async detours(question: string): Promise<string[]> {
    const emitter = new EventEmitter();
    return Promise.all([
      this.deep.ask(question),
      Promise.all([this.deep.ask(question), this.deep.ask(question)]).then((answers) => answers.join('|')),
      new Promise<string>((resolve, reject) => {
        setTimeout(() => void this.deep.ask(question).then(resolve, reject), 2);
      }),
      new Promise<string>((resolve, reject) => {
        setImmediate(() => void this.deep.ask(question).then(resolve, reject));
      }),
      new Promise<string>((resolve, reject) => {
        process.nextTick(() => void this.deep.ask(question).then(resolve, reject));
      }),
      new Promise<string>((resolve, reject) => {
        emitter.once('go', () => void this.deep.ask(question).then(resolve, reject));
        setImmediate(() => emitter.emit('go'));
      }),
    ]);
  }
}

const KINDS = ['promise', 'observable', 'delayedObservable', 'stream$', 'file', 'detours'] as const;

/** The same handlers under each surface, and under none. */
@Injectable()
abstract class AnyController {
  constructor(protected readonly handlers: Handlers) {}

  @Post('promise')
  promise(@Body() { question }: Question): Promise<string[]> {
    return this.handlers.promise(question);
  }

  @Post('observable')
  observable(@Body() { question }: Question): Observable<string[]> {
    return this.handlers.observable(question);
  }

  @Post('delayedObservable')
  delayedObservable(@Body() { question }: Question): Observable<string[]> {
    return this.handlers.delayedObservable(question);
  }

  @Post('stream$')
  stream$(@Body() { question }: Question): Observable<string[]> {
    return this.handlers.stream$(question);
  }

  @Post('file')
  file(@Body() { question }: Question): StreamableFile {
    return this.handlers.file(question);
  }

  @Post('detours')
  detours(@Body() { question }: Question): Promise<string[]> {
    return this.handlers.detours(question);
  }

  @Get('context')
  context(@LlmContext() context: LlmRequestContext): LlmRequestContext {
    return context;
  }
}

@Controller('none')
class NoneController extends AnyController {
  @Surface('legal')
  @Post('marked')
  marked(@Body() { question }: Question): Promise<string[]> {
    return this.handlers.promise(question);
  }
}

@Surface('support', { workload: 'background', tenant: 'acme' })
@Controller('support')
class SupportController extends AnyController {
  constructor(
    handlers: Handlers,
    private readonly router: RouterService,
  ) {
    super(handlers);
  }

  @Surface('legal')
  @Post('overridden')
  overridden(@Body() { question }: Question): Promise<string[]> {
    return this.handlers.promise(question);
  }

  @Surface('legal', { workload: 'interactive', deadlineMs: 4_000 })
  @Get('overridden-context')
  overriddenContext(@LlmContext() context: LlmRequestContext): LlmRequestContext {
    return context;
  }

  @Post('options')
  async options(@Body() { question }: Question): Promise<unknown> {
    const inside = await this.router.chat(asking(question), { surface: 'legal' });
    const undefinedSays = await this.router.chat(asking(question), { surface: undefined });
    const runWith = await this.router.runWith({ surface: 'legal' }, () => this.router.chat(asking(question)));
    const after = await this.router.chat(asking(question));
    return [inside, undefinedSays, runWith, after].map(({ routing }) => [routing.surface, routing.model]);
  }

  /** Made inside one surface, read inside another. */
  @Post('read-elsewhere')
  async readElsewhere(@Body() { question }: Question): Promise<string[]> {
    const inside = { surface: 'legal' };
    const stream = this.router.runWith(inside, () => this.router.stream(asking(question)));
    const stream$ = this.router.runWith(inside, () => this.router.stream$(asking(question)));
    let text = '';
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
    const chunks = await lastValueFrom(stream$.pipe(toArray()));
    return [text, chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')];
  }

  @Post('explain')
  explain(@Body() { question }: Question): unknown {
    const own = this.router.explain(asking(question));
    const other = this.router.explain(asking(question), { surface: 'legal', workload: 'interactive' });
    return [own, other].map(({ surface, workload }) => [surface, workload]);
  }

  @Sse('events')
  events(): Observable<MessageEvent> {
    return this.router
      .stream$(asking('sse'))
      .pipe(map((chunk) => ({ data: chunk.choices[0]?.delta.content ?? '' })));
  }
}

@Surface('legal')
@Controller('legal')
class LegalController extends AnyController {}

describe.each(PLATFORMS)('surfaces of handlers on %s', (platform) => {
  let upstream: ScriptedUpstream;
  let host: HostApp;

  beforeAll(async () => {
    upstream = await createScriptedUpstream({
      api: 'openai',
      reply: ({ model, lastUserText }) => ({ text: `${model} ${lastUserText}` }),
    });
    host = await createHostApp({
      platform,
      controllers: [NoneController, SupportController, LegalController],
      providers: [DeepestService, DeeperService, DeepService, Handlers],
      imports: [
        LlmRouterModule.forRoot({
          providers: { upstream: { api: 'openai', baseUrl: upstream.baseUrl, apiKey: 'test-key' } },
          models: {
            bare: { provider: 'upstream' },
            plain: { provider: 'upstream' },
            fine: { provider: 'upstream' },
          },
          routingRules: { simple_queries: { primary: 'bare' } },
          surfaces: { support: { pin: 'plain' }, legal: { pin: 'fine' } },
        }),
      ],
    });
  });

  afterAll(async () => {
    await host.close();
    await upstream.close();
  });

  /** The surfaces that answered, by their models, once for every router call the handler made. */
  async function ask(
    path: string,
    question: string,
    headers: Record<string, string> = {},
  ): Promise<{ models: Set<string | undefined>; questions: Set<string | undefined> }> {
    const answer = await host.postJson(path, { question }, headers);
    expect({ path, status: answer.status, text: answer.text }).toMatchObject({ path, status: 201 });
    const isText = String(answer.headers['content-type']).startsWith('text/plain');
    const answers = isText ? answer.text.split('\n') : (answer.json() as string[]);
    const calls = answers.flatMap((text) => text.split('|')).map((text) => text.split(' '));
    return {
      models: new Set(calls.map(([model]) => model)),
      questions: new Set(calls.map(([, text]) => text)),
    };
  }

  describe.each(['none', 'support', 'legal'] as const)('surface %s', (surface) => {
    it.each(KINDS)('holds in a handler that answers by %s', async (kind) => {
      const { models, questions } = await ask(`/${surface}/${kind}`, `q-${kind}`);
      expect([...models]).toEqual([MODEL_OF[surface]]);
      expect([...questions]).toEqual([`q-${kind}`]);
    });

    it('is not moved by a client’s headers', async () => {
      const { models } = await ask(`/${surface}/promise`, 'q', {
        'x-llm-surface': 'legal',
        'x-llm-tenant': 'other',
      });
      expect([...models]).toEqual([MODEL_OF[surface]]);
    });
  });

  it('the handler’s wins over the controller’s, and stands alone without one', async () => {
    expect([...(await ask('/support/overridden', 'q')).models]).toEqual(['fine']);
    expect([...(await ask('/none/marked', 'q')).models]).toEqual(['fine']);
  });

  it('@LlmContext() gives what the decorators say', async () => {
    const context = async (path: string): Promise<unknown> => (await host.send({ path })).json();
    expect(await context('/support/context')).toEqual({
      surface: 'support',
      workload: 'background',
      tenant: 'acme',
    });
    expect(await context('/legal/context')).toEqual({ surface: 'legal' });
    expect(await context('/none/context')).toEqual({});
    expect(await context('/support/overridden-context')).toEqual({
      surface: 'legal',
      workload: 'interactive',
      deadlineMs: 4_000,
    });
  });

  it('options of the call win over the decorator, for that call alone', async () => {
    const answer = await host.postJson('/support/options', { question: 'q' });
    expect(answer.json()).toEqual([
      ['legal', 'fine'],
      ['support', 'plain'],
      ['legal', 'fine'],
      ['support', 'plain'],
    ]);
  });

  it('a stream is held to the surface it was made under, wherever it is read', async () => {
    const { models, questions } = await ask('/support/read-elsewhere', 'q');
    expect([...models]).toEqual(['fine']);
    expect([...questions]).toEqual(['q']);
  });

  it('explain follows the decorator and its overrides, and the call’s options before them', async () => {
    const answer = await host.postJson('/support/explain', { question: 'q' });
    expect(answer.json()).toEqual([
      ['support', 'background'],
      ['legal', 'interactive'],
    ]);
  });

  it('holds in server-sent events', async () => {
    const answer = await host.send({ path: '/support/events' });
    const text = [...answer.text.matchAll(/^data: (.*)$/gm)].map(([, data]) => data).join('');
    expect(text.replace(/\s/g, '')).toBe('plainsse');
  });

  it('none of 200 concurrent requests takes another’s surface or answer', async () => {
    upstream.setLatency({ timeToFirstTokenMs: 3, tokensPerSecond: 2_000, jitter: 0.8 });
    const surfaces = ['support', 'legal', 'none'] as const;
    const before = upstream.requestCount;
    const asked = Array.from({ length: 200 }, (_, index) => {
      const surface = surfaces[index % 5 < 2 ? 0 : index % 5 < 4 ? 1 : 2];
      return { surface, path: `/${surface}/${KINDS[index % KINDS.length]}`, question: `q-${index}` };
    });
    const got = await Promise.all(
      asked.map(async ({ path, question }) => {
        const { models, questions } = await ask(path, question);
        return { models: [...models], questions: [...questions] };
      }),
    );
    expect(got).toEqual(
      asked.map(({ surface, question }) => ({ models: [MODEL_OF[surface]], questions: [question] })),
    );
    expect(upstream.requestCount - before).toBeGreaterThan(400);
  });
});
