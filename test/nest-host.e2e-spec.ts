import {
  Body,
  type CallHandler,
  type CanActivate,
  Controller,
  type ExecutionContext,
  ForbiddenException,
  Get,
  type INestApplication,
  type NestInterceptor,
  Post,
  ValidationPipe,
  VersioningType,
} from '@nestjs/common';
import { IsString } from 'class-validator';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { map, type Observable } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LlmRouterHttpModule, LlmRouterModule, type LlmRouterOptions } from 'nestjs-llm-router';
import { createScriptedUpstream, type ScriptedUpstream } from 'nestjs-llm-router/testing';
import { createHostApp, type HostApp } from './support/host-app.js';
import { expectRawError } from './support/openai-error.js';
import { PLATFORMS, type Platform } from './support/router-app.js';

const CHAT = '/v1/chat/completions';
const MESSAGES = [{ role: 'user', content: 'What is the capital of France?' }];

class NoteDto {
  @IsString()
  text!: string;
}

@Controller({ path: 'notes', version: '1' })
class NotesController {
  @Get()
  list(): string[] {
    return ['first'];
  }

  @Post()
  add(@Body() note: NoteDto): NoteDto {
    return note;
  }
}

/** What a company's applications often do to every answer. */
class WrappingInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((data: unknown) => ({ wrapped: true, data })));
  }
}

class HeaderGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<{ headers: Record<string, unknown> }>();
    if (headers['x-pass'] !== 'yes') throw new ForbiddenException('the host says no');
    return true;
  }
}

let upstream: ScriptedUpstream;
const opened: HostApp[] = [];

beforeAll(async () => {
  upstream = await createScriptedUpstream({ api: 'openai' });
});

afterAll(async () => {
  await Promise.all(opened.map((host) => host.close()));
  await upstream.close();
});

function routerOptions(): LlmRouterOptions {
  return {
    providers: { upstream: { api: 'openai', baseUrl: upstream.baseUrl, apiKey: 'test-key' } },
    routingRules: { simple_queries: { primary: 'gpt-4o-mini' } },
  };
}

async function open(
  platform: Platform,
  { routes = true, configure }: { routes?: boolean; configure?: (app: INestApplication) => unknown } = {},
): Promise<HostApp> {
  const host = await createHostApp({
    platform,
    controllers: [NotesController],
    imports: [LlmRouterModule.forRoot(routerOptions()), ...(routes ? [LlmRouterHttpModule.register()] : [])],
    configure,
  });
  opened.push(host);
  return host;
}

const GET_ROUTES = [
  '/v1/models',
  '/v1/models/auto',
  '/router/kpis',
  '/metrics',
  '/health',
  '/health/live',
  '/health/ready',
];

describe.each(PLATFORMS)('a host on %s', (platform) => {
  it('gets no route from LlmRouterModule alone', async () => {
    const host = await open(platform, { routes: false });
    for (const path of [CHAT, '/router/explain']) {
      expect(await host.postJson(path, { messages: MESSAGES })).toMatchObject({ status: 404 });
    }
    for (const path of GET_ROUTES) expect(await host.send({ path })).toMatchObject({ status: 404 });
    expect(await host.send({ path: '/notes' })).toMatchObject({ status: 200, text: '["first"]' });
  });

  it('gets only the routes it asks for', async () => {
    const host = await createHostApp({
      platform,
      imports: [
        LlmRouterModule.forRoot(routerOptions()),
        LlmRouterHttpModule.register({ openAiApi: false, admin: false, metrics: false, path: 'llm' }),
      ],
    });
    opened.push(host);
    expect(await host.send({ path: '/llm/health' })).toMatchObject({ status: 200 });
    for (const path of GET_ROUTES) {
      expect(await host.send({ path })).toMatchObject({ status: 404 });
      if (!path.startsWith('/health'))
        expect(await host.send({ path: `/llm${path}` })).toMatchObject({ status: 404 });
    }
    expect(await host.postJson(`/llm${CHAT}`, { messages: MESSAGES })).toMatchObject({ status: 404 });
  });

  it('that has the routes without the router does not start, and is told why', async () => {
    await expect(createHostApp({ platform, imports: [LlmRouterHttpModule.register()] })).rejects.toThrow(
      /LlmRouterModule\.forRoot/,
    );
  });

  describe('with a prefix, versions, a strict pipe, a wrapping interceptor and a guard', () => {
    let host: HostApp;
    const pass = { 'x-pass': 'yes' };

    beforeAll(async () => {
      host = await open(platform, {
        configure: (app) => {
          app.setGlobalPrefix('api');
          app.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' });
          app.useGlobalPipes(
            new ValidationPipe({ whitelist: true, forbidNonWhitelisted: true, transform: true }),
          );
          app.useGlobalInterceptors(new WrappingInterceptor());
          app.useGlobalGuards(new HeaderGuard());
        },
      });
    });

    it('gets the router’s answers unwrapped', async () => {
      upstream.setReply(() => ({ text: 'Paris.' }));
      const answer = await host.postJson(`/api${CHAT}`, { messages: MESSAGES, seed: 7 }, pass);
      expect(answer.status).toBe(200);
      expect(answer.json()).toMatchObject({
        object: 'chat.completion',
        choices: [{ message: { role: 'assistant', content: 'Paris.' } }],
      });
      expect(answer.text).not.toContain('wrapped');
      expect(answer.headers['x-llm-model']).toBe('gpt-4o-mini');
    });

    it('gets the router’s streams unwrapped', async () => {
      upstream.setReply(() => ({ text: 'one two three' }));
      const answer = await host.postJson(`/api${CHAT}`, { messages: MESSAGES, stream: true }, pass);
      expect(answer.status).toBe(200);
      expect(answer.headers['content-type']).toBe('text/event-stream; charset=utf-8');
      const events = answer.text.split('\n\n').filter((event) => event.startsWith('data: {'));
      const chunks = events.map(
        (event) => JSON.parse(event.slice(6)) as { choices: { delta: { content?: string } }[] },
      );
      expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe('one two three');
      expect(answer.text).toMatch(/\n\n: x-llm-cost-usd \d[\d.]*\n\ndata: \[DONE\]\n\n$/);
      expect(answer.text).not.toContain('wrapped');
    });

    it('gets the router’s errors in OpenAI’s shape', async () => {
      expectRawError(await host.postJson(`/api${CHAT}`, { messages: [] }, pass), {
        status: 400,
        code: 'invalid_request',
        param: 'messages',
      });
      expectRawError(await host.postJson(`/api${CHAT}`, '{', pass), { status: 400, code: 'invalid_request' });
      expectRawError(await host.postJson(`/api${CHAT}`, { model: 'gpt-97', messages: MESSAGES }, pass), {
        status: 404,
        code: 'model_not_found',
      });
    });

    it('gets every other answer of the router as it is', async () => {
      for (const path of GET_ROUTES) {
        const answer = await host.send({ path: `/api${path}`, headers: pass });
        expect({ path, status: answer.status }).toEqual({ path, status: 200 });
        expect(answer.text).not.toContain('wrapped');
      }
      const explained = await host.postJson('/api/router/explain', { messages: MESSAGES }, pass);
      expect(explained.json()).toMatchObject({
        plan: { attempts: [{ model: 'gpt-4o-mini' }] },
        rejected: [],
      });
    });

    it('guards the router’s routes too', async () => {
      const before = upstream.requestCount;
      expect(await host.postJson(`/api${CHAT}`, { messages: MESSAGES })).toMatchObject({ status: 403 });
      expect((await host.postJson(`/api${CHAT}`, { messages: MESSAGES, stream: true })).text).toContain(
        'the host says no',
      );
      expect(await host.send({ path: '/api/router/kpis' })).toMatchObject({ status: 403 });
      expect(upstream.requestCount).toBe(before);
    });

    it('still has its own routes wrapped, validated, versioned and guarded', async () => {
      const path = '/api/v1/notes';
      expect((await host.send({ path, headers: pass })).json()).toEqual({ wrapped: true, data: ['first'] });
      expect((await host.postJson(path, { text: 'x' }, pass)).json()).toEqual({
        wrapped: true,
        data: { text: 'x' },
      });
      expect(await host.postJson(path, { text: 'x', more: 1 }, pass)).toMatchObject({ status: 400 });
      expect(await host.postJson(path, { text: 5 }, pass)).toMatchObject({ status: 400 });
      expect(await host.send({ path: '/notes', headers: pass })).toMatchObject({ status: 404 });
      expect(await host.send({ path })).toMatchObject({ status: 403 });
    });
  });

  it('has its headers on the router’s answers, streams and errors included', async () => {
    const host = await open(platform, {
      configure: (app) => {
        app.enableCors({ origin: 'https://app.example', exposedHeaders: ['x-llm-model'] });
        if (platform === 'fastify') {
          const fastify = app.getHttpAdapter().getInstance() as {
            addHook(
              name: 'onRequest',
              hook: (
                request: unknown,
                reply: { header(name: string, value: string): void },
                done: () => void,
              ) => void,
            ): void;
          };
          fastify.addHook('onRequest', (_request, reply, done) => {
            reply.header('x-frame-options', 'DENY');
            done();
          });
        }
        app.use((_request: IncomingMessage, response: ServerResponse, next: () => void) => {
          response.setHeader('strict-transport-security', 'max-age=1');
          if (platform === 'express') response.setHeader('x-frame-options', 'DENY');
          next();
        });
      },
    });
    const origin = { origin: 'https://app.example' };
    const answers = [
      await host.postJson(CHAT, { messages: MESSAGES }, origin),
      await host.postJson(CHAT, { messages: MESSAGES, stream: true }, origin),
      await host.postJson(CHAT, { messages: [] }, origin),
      await host.postJson(CHAT, '{', origin),
      await host.send({ path: '/health', headers: origin }),
      await host.send({ path: '/metrics', headers: origin }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 400, 400, 200, 200]);
    for (const { headers } of answers) {
      expect(headers).toMatchObject({
        'access-control-allow-origin': 'https://app.example',
        'access-control-expose-headers': 'x-llm-model',
        'strict-transport-security': 'max-age=1',
        'x-frame-options': 'DENY',
      });
    }
  });
});
