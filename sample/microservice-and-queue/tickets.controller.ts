import { InjectQueue } from '@nestjs/bullmq';
import {
  Body,
  Controller,
  Get,
  Inject,
  NotFoundException,
  Param,
  Post,
  ValidationPipe,
} from '@nestjs/common';
import { ClientProxy } from '@nestjs/microservices';
import { Queue } from 'bullmq';
import { lastValueFrom } from 'rxjs';
import { DailyDigest } from './digests/daily-digest.js';
import { DIGESTS, type Digest, type DigestJob } from './digests/digest.js';
import { type Ticket, TicketDto, type Triage } from './ticket.js';
import { TicketStore } from './ticket-store.js';

/** The client of the TCP microservice. */
export const TRIAGE_CLIENT = Symbol('triage client');

const VALID = new ValidationPipe({ whitelist: true });

/** The way in. It asks no model itself, so it has no surface. */
@Controller()
export class TicketsController {
  constructor(
    @Inject(TRIAGE_CLIENT) private readonly triage: ClientProxy,
    @InjectQueue(DIGESTS) private readonly queue: Queue<DigestJob, Digest>,
    private readonly tickets: TicketStore,
    private readonly dailyDigest: DailyDigest,
  ) {}

  /** Sorted while the caller waits, by the microservice; summed up later, by the queue. */
  @Post('tickets')
  async open(@Body(VALID) { text }: TicketDto): Promise<Ticket & { job: string | undefined }> {
    const triage = await lastValueFrom(this.triage.send<Triage>('triage', { text }));
    const ticket = this.tickets.add(text, triage);
    const { id } = await this.queue.add('ticket', { title: `Ticket ${ticket.id}`, tickets: [text] });
    return { ...ticket, job: id };
  }

  /** What the cron job does every morning, now. */
  @Post('digests')
  async digest(): Promise<{ job: string | null }> {
    return { job: (await this.dailyDigest.enqueue()) ?? null };
  }

  @Get('digests/:job')
  async read(@Param('job') id: string): Promise<{ state: string; digest: Digest | null }> {
    const job = await this.queue.getJob(id);
    if (job === undefined) throw new NotFoundException('There is no such job, or it is long done.');
    const state = await job.getState();
    return { state, digest: state === 'completed' ? job.returnvalue : null };
  }
}
