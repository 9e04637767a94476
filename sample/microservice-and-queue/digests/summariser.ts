import { ChatOpenAI } from '@langchain/openai';
import { Injectable } from '@nestjs/common';
import { RouterService } from 'nestjs-llm-router';
import type { Answer } from '../answer.js';

/** Sums up tickets, with LangChain. */
@Injectable()
export class Summariser {
  readonly #model: ChatOpenAI;

  constructor(router: RouterService) {
    this.#model = new ChatOpenAI({
      // The old model's name might stay: it would be taken for a wish.
      model: 'auto',
      // The one changed argument.
      configuration: router.clientOptions(),
      // The router has tried everywhere, and the queue tries again later.
      maxRetries: 0,
    });
  }

  async summarise(tickets: readonly string[]): Promise<Answer> {
    const answer = await this.#model.invoke([
      ['system', 'Sum up these support tickets in three sentences at most.'],
      ['human', tickets.join('\n---\n')],
    ]);
    const { model_name: model } = answer.response_metadata as { model_name?: string };
    return { text: answer.text, model: model ?? 'unknown' };
  }
}
