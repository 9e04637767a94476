import {
  type ArgumentsHost,
  BadRequestException,
  Body,
  type CallHandler,
  type CanActivate,
  Catch,
  ClassSerializerInterceptor,
  Controller,
  type DynamicModule,
  type ExceptionFilter,
  type ExecutionContext,
  Get,
  HttpException,
  Inject,
  Injectable,
  Module,
  type NestInterceptor,
  Post,
  type RawBodyRequest,
  Req,
  SetMetadata,
  StreamableFile,
  UnauthorizedException,
  ValidationPipe,
  VersioningType,
} from '@nestjs/common';
import {
  APP_FILTER,
  APP_GUARD,
  APP_INTERCEPTOR,
  APP_PIPE,
  HttpAdapterHost,
  Reflector,
  RouterModule,
} from '@nestjs/core';
import { JwtModule, JwtService } from '@nestjs/jwt';
import { Exclude } from 'class-transformer';
import { IsString } from 'class-validator';
import fastifyHelmet from '@fastify/helmet';
import helmet from 'helmet';
import { Readable } from 'node:stream';
import type OpenAI from 'openai';
import { map, type Observable } from 'rxjs';
import {
  InjectOpenAI,
  LlmContext,
  type LlmRequestContext,
  LlmRouterErrorFilter,
  LlmRouterHttpModule,
  LlmRouterModule,
  type LlmRouterModuleOptions,
  type LlmRouterOptions,
  RouterService as LlmRouter,
  Surface,
} from 'nestjs-llm-router';
import type { ScriptedUpstream } from 'nestjs-llm-router/testing';
import { createHostApp, type HostApp } from './host-app.js';
import type { Platform } from './router-app.js';

/** Of the host's own body parser, in bytes; the router's is 10 MB. */
export const HOST_BODY_LIMIT = 1_024;

// What the application has of its own: a guard, a wrapper, a filter, and names like ours.

/** What the host's guard looks for. */
export const Public = () => SetMetadata('isPublic', true);

@Injectable()
class JwtGuard implements CanActivate {
  constructor(
    private readonly jwt: JwtService,
    private readonly reflector: Reflector,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (this.reflector.getAllAndOverride<boolean>('isPublic', [context.getHandler(), context.getClass()]))
      return true;
    const { headers } = context.switchToHttp().getRequest<{ headers: Record<string, string | undefined> }>();
    try {
      await this.jwt.verifyAsync(/^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1] ?? '');
      return true;
    } catch {
      throw new UnauthorizedException('no JWT of ours');
    }
  }
}

/** A second guard, for those who run it. */
export class OperatorGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<{ headers: Record<string, unknown> }>();
    return headers['x-operator'] === 'yes';
  }
}

class WrappingInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next
      .handle()
      .pipe(map((data: unknown) => (data instanceof StreamableFile ? data : { wrapped: true, data })));
  }
}

@Catch()
class RewritingFilter implements ExceptionFilter {
  constructor(@Inject(HttpAdapterHost) private readonly host: HttpAdapterHost) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const status = error instanceof HttpException ? error.getStatus() : 500;
    const response: unknown = host.switchToHttp().getResponse();
    this.host.httpAdapter.reply(response, { trouble: status }, status);
  }
}

/** A host's own class of that name. */
@Injectable()
class RouterService {
  readonly isTheHosts = true;
}

/** And its own client, under names one would think of first. */
class OpenAI_ {
  readonly isTheHosts = true;
}

@Module({
  providers: [
    RouterService,
    { provide: 'OpenAI', useClass: OpenAI_ },
    { provide: 'OPENAI_CLIENT', useValue: { isTheHosts: true } },
  ],
  exports: [RouterService, 'OpenAI', 'OPENAI_CLIENT'],
})
class OpenAiModule {}

@Controller({ path: 'v1/models', version: '1' })
class OpenAiController {
  constructor(
    private readonly service: RouterService,
    @Inject('OpenAI') private readonly openAi: OpenAI_,
    @Inject('OPENAI_CLIENT') private readonly client: { isTheHosts: boolean },
  ) {}

  @Get()
  mine(): boolean[] {
    return [this.service.isTheHosts, this.openAi.isTheHosts, this.client.isTheHosts];
  }
}

class QuestionDto {
  @IsString()
  question!: string;
}

class Note {
  @Exclude()
  readonly secret = 'never shown';

  constructor(readonly text: string) {}
}

@Controller({ path: 'notes', version: '1' })
class NotesController {
  @Get()
  list(): Note[] {
    return [new Note('first')];
  }

  @Post()
  add(@Body() { question }: QuestionDto, @Req() request: RawBodyRequest<object>): unknown {
    return { question, rawBody: request.rawBody?.toString() };
  }

  @Get('broken')
  broken(): never {
    throw new Error('the database is down');
  }

  @Public()
  @Get('open')
  open(): string {
    return 'open';
  }
}

@Surface('support')
@Controller({ path: 'assistant', version: '1' })
class AssistantController {
  constructor(
    private readonly router: LlmRouter,
    @InjectOpenAI() private readonly client: OpenAI,
  ) {}

  @Post('router')
  async byRouter(@Body() { question }: QuestionDto): Promise<unknown> {
    const completion = await this.router.chat({ messages: [{ role: 'user', content: question }] });
    return { answer: completion.choices[0]?.message.content, surface: completion.routing.surface };
  }

  @Surface('legal')
  @Post('client')
  async byClient(
    @Body() { question }: QuestionDto,
    @LlmContext() context: LlmRequestContext,
  ): Promise<unknown> {
    const messages = [{ role: 'user' as const, content: question }];
    const completion = await this.client.chat.completions.create({ model: 'auto', messages });
    return { answer: completion.choices[0]?.message.content, surface: context.surface };
  }

  @Post('stream')
  stream(@Body() { question }: QuestionDto): StreamableFile {
    const chunks = this.router.stream({ messages: [{ role: 'user', content: question }] });
    async function* texts(): AsyncGenerator<string> {
      for await (const chunk of chunks) yield chunk.choices[0]?.delta.content ?? '';
    }
    return new StreamableFile(Readable.from(texts(), { objectMode: false }), { type: 'text/plain' });
  }

  @Post('nobody')
  async refused(@Body() { question }: QuestionDto): Promise<unknown> {
    return this.router.chat({ model: 'gpt-97', messages: [{ role: 'user', content: question }] });
  }
}

export interface Hostility {
  readonly platform: Platform;
  readonly upstream: ScriptedUpstream;
  /** `imported`: there, but no controller of the host's uses it. @defaultValue `used` */
  readonly router?: 'none' | 'imported' | 'used';
  readonly http?: NonNullable<LlmRouterOptions['http']>;
  /** @defaultValue all routes */
  readonly routes?: readonly DynamicModule[];
}

/**
 * An application with everything that could come between the router and its callers: prefix, versions, strict
 * validation, a JWT guard, wrapped answers, rewritten errors, helmet, CORS, a body parser of its own with a small limit,
 * and names like ours.
 */
export function createHostileHost({
  platform,
  upstream,
  http,
  router = 'used',
  routes = [LlmRouterHttpModule.register()],
}: Hostility): Promise<HostApp> {
  return createHostApp({
    platform,
    nest: { rawBody: true },
    controllers: [NotesController, OpenAiController, ...(router === 'used' ? [AssistantController] : [])],
    imports: [
      OpenAiModule,
      JwtModule.register({ global: true, secret: 'of the host', signOptions: { expiresIn: '1h' } }),
      ...(router === 'none' ? [] : [LlmRouterModule.forRoot(routerOptions(upstream, http))]),
      ...routes,
      ...(routes.length > 0 ? [RouterModule.register([{ path: 'llm', module: LlmRouterHttpModule }])] : []),
    ],
    providers: [
      { provide: APP_GUARD, useClass: JwtGuard },
      { provide: APP_INTERCEPTOR, useClass: WrappingInterceptor },
      { provide: APP_INTERCEPTOR, useClass: ClassSerializerInterceptor },
      { provide: APP_FILTER, useClass: RewritingFilter },
      { provide: APP_FILTER, useClass: LlmRouterErrorFilter },
      {
        provide: APP_PIPE,
        useValue: new ValidationPipe({ whitelist: true, forbidNonWhitelisted: true, transform: true }),
      },
    ],
    configure: async (app) => {
      app.setGlobalPrefix('api');
      app.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' });
      app.enableCors({ origin: 'https://app.example', credentials: true });
      const host = app as HostApp['app'];
      if (platform === 'express') {
        app.use(helmet());
        host.useBodyParser('json', { limit: HOST_BODY_LIMIT });
      } else {
        await host.register(fastifyHelmet);
        host.useBodyParser(
          'application/json',
          { bodyLimit: HOST_BODY_LIMIT },
          (_request: unknown, body: Buffer, done: (error: Error | null, value?: unknown) => void) => {
            try {
              done(null, JSON.parse(body.toString()));
            } catch (error) {
              done(new BadRequestException('not JSON', { cause: error }));
            }
          },
        );
      }
    },
  });
}

function routerOptions(upstream: ScriptedUpstream, http: Hostility['http']): LlmRouterModuleOptions {
  return {
    isGlobal: true,
    handlerMetrics: true,
    answerHeaders: true,
    providers: { upstream: { api: 'openai', baseUrl: upstream.baseUrl, apiKey: 'test-key' } },
    models: { plain: { provider: 'upstream' }, fine: { provider: 'upstream' } },
    routingRules: { simple_queries: { primary: 'plain' } },
    surfaces: { support: {}, legal: { pin: 'fine' } },
    http,
  };
}
