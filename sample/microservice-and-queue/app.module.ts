import { BullModule } from '@nestjs/bullmq';
import {
  type DynamicModule,
  type INestApplication,
  Module,
  type NestApplicationOptions,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientsModule, type MicroserviceOptions, Transport } from '@nestjs/microservices';
import { ScheduleModule } from '@nestjs/schedule';
import { LlmRouterHttpModule, LlmRouterModule, type LlmRouterOptions } from 'nestjs-llm-router';
import { DailyDigest } from './digests/daily-digest.js';
import { DIGESTS } from './digests/digest.js';
import { DigestsProcessor } from './digests/digests.processor.js';
import { HeadlineWriter } from './digests/headline-writer.js';
import { Summariser } from './digests/summariser.js';
import { ServedLog } from './served-log.js';
import { TicketStore } from './ticket-store.js';
import { TicketsController, TRIAGE_CLIENT } from './tickets.controller.js';
import { TriageAgent } from './triage/triage.agent.js';
import { TriageController } from './triage/triage.controller.js';

export interface AppSettings {
  readonly router: LlmRouterOptions;
  readonly redisUrl: string;
  /** Where the microservice listens, on this machine. */
  readonly tcpPort: number;
}

/** BullMQ's keys in Redis begin with it. */
export const QUEUE_PREFIX = 'microservice-and-queue';

@Module({})
export class AppModule {
  static with({ router, redisUrl, tcpPort }: AppSettings): DynamicModule {
    return {
      module: AppModule,
      imports: [
        LlmRouterModule.forRoot({ isGlobal: true, ...router }),
        // For a look at it: /health, /metrics, /router/kpis. The router itself needs no route.
        LlmRouterHttpModule.register({ openAiApi: false }),
        ScheduleModule.forRoot(),
        BullModule.forRoot({ connection: { url: redisUrl }, prefix: QUEUE_PREFIX }),
        BullModule.registerQueue({
          name: DIGESTS,
          defaultJobOptions: {
            // Within a job the router moves on from provider to provider; these are for when all of them are down.
            attempts: 3,
            backoff: { type: 'exponential', delay: 1000 },
            removeOnComplete: { count: 1000 },
            removeOnFail: { count: 1000 },
          },
        }),
        ClientsModule.register([
          { name: TRIAGE_CLIENT, transport: Transport.TCP, options: { host: '127.0.0.1', port: tcpPort } },
        ]),
      ],
      controllers: [TicketsController, TriageController],
      providers: [
        DailyDigest,
        DigestsProcessor,
        HeadlineWriter,
        ServedLog,
        Summariser,
        TicketStore,
        TriageAgent,
      ],
    };
  }
}

/** The hybrid application: HTTP and TCP in one process. Still to be started. */
export async function createApp(
  settings: AppSettings,
  options: NestApplicationOptions = {},
): Promise<INestApplication> {
  const app = await NestFactory.create(AppModule.with(settings), {
    abortOnError: false,
    // After the router has drained: a client's spare connections would hold up the end.
    forceCloseConnections: true,
    ...options,
  });
  app.connectMicroservice<MicroserviceOptions>({
    transport: Transport.TCP,
    options: { host: '127.0.0.1', port: settings.tcpPort },
  });
  return app;
}
