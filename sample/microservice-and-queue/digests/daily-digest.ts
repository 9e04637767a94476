import { InjectQueue } from '@nestjs/bullmq';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Cron, CronExpression } from '@nestjs/schedule';
import { Queue } from 'bullmq';
import { Surface } from 'nestjs-llm-router';
import { ServedLog } from '../served-log.js';
import { TicketStore } from '../ticket-store.js';
import { DIGESTS, type Digest, type DigestJob } from './digest.js';
import { HeadlineWriter } from './headline-writer.js';

/** Every morning: a headline, and a job for the queue. */
@Injectable()
export class DailyDigest implements OnModuleDestroy {
  #underWay: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly tickets: TicketStore,
    private readonly headlines: HeadlineWriter,
    @InjectQueue(DIGESTS) private readonly queue: Queue<DigestJob, Digest>,
    private readonly log: ServedLog,
  ) {}

  /** @returns The job's id; undefined where there was no ticket since the last time. */
  @Surface('headlines', { workload: 'background' })
  @Cron(CronExpression.EVERY_DAY_AT_7AM, { name: 'daily-digest', waitForCompletion: true })
  enqueue(): Promise<string | undefined> {
    const run = this.writeAndEnqueue();
    this.#underWay = Promise.allSettled([this.#underWay, run]);
    return run;
  }

  /** No cron job is cut off by a shutdown: Nest's scheduler would not wait for it. */
  async onModuleDestroy(): Promise<void> {
    await this.#underWay;
  }

  private async writeAndEnqueue(): Promise<string | undefined> {
    const tickets = this.tickets.all();
    if (tickets.length === 0) return undefined;
    const texts = tickets.map(({ category, text }) => `${category}: ${text}`);
    const { text: title, model } = await this.headlines.write(texts);
    this.log.write(`headline over ${tickets.length} tickets`, model);
    const { id } = await this.queue.add('daily', { title, tickets: texts });
    this.tickets.remove(tickets);
    return id;
  }
}
