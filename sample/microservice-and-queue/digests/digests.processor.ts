import { Processor, WorkerHost } from '@nestjs/bullmq';
import type { OnModuleDestroy } from '@nestjs/common';
import type { Job } from 'bullmq';
import { Surface } from 'nestjs-llm-router';
import { ServedLog } from '../served-log.js';
import { DIGESTS, type Digest, type DigestJob } from './digest.js';
import { Summariser } from './summariser.js';

/** The queue's worker: nobody waits, so price goes before speed. */
@Processor(DIGESTS, { concurrency: 4 })
export class DigestsProcessor extends WorkerHost implements OnModuleDestroy {
  constructor(
    private readonly summariser: Summariser,
    private readonly log: ServedLog,
  ) {
    super();
  }

  @Surface('digests', { workload: 'background' })
  async process(job: Job<DigestJob, Digest>): Promise<Digest> {
    const { title, tickets } = job.data;
    const { text, model } = await this.summariser.summarise(tickets);
    this.log.write(`job ${job.id ?? '?'}`, model);
    return { title, summary: text };
  }

  /** Jobs under way finish here, while the router still takes requests: it stops with the next step of the shutdown. */
  async onModuleDestroy(): Promise<void> {
    await this.worker.close();
  }
}
