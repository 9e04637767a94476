import { Injectable, Logger } from '@nestjs/common';
import { RouterService } from 'nestjs-llm-router';

/** One line for each answer: who served what, under which surface and workload. */
@Injectable()
export class ServedLog {
  readonly #logger = new Logger('Served');

  constructor(private readonly router: RouterService) {}

  /** To be called where the answer arrived: the surface is that of the code that runs. */
  write(what: string, model: string): void {
    // `explain` calls nothing; of what it tells, only who asks is wanted here.
    const { surface, workload } = this.router.explain({ messages: [{ role: 'user', content: what }] });
    this.#logger.log(`${what}: surface=${surface} workload=${workload} model=${model}`);
  }
}
