import { Injectable } from '@nestjs/common';
import { Agent, OpenAIChatCompletionsModel, Runner } from '@openai/agents';
import OpenAI from 'openai';
import { RouterService } from 'nestjs-llm-router';
import { TRIAGE, type Triage } from '../ticket.js';

/** Sorts a support ticket, with the OpenAI Agents SDK. */
@Injectable()
export class TriageAgent {
  readonly #agent: Agent<unknown, typeof TRIAGE>;
  // Its tracing would send every prompt to OpenAI.
  readonly #runner = new Runner({ tracingDisabled: true });

  constructor(router: RouterService) {
    this.#agent = new Agent({
      name: 'Triage',
      instructions:
        'You sort the tickets of a software company’s support: category, and whether it is urgent.',
      outputType: TRIAGE,
      // The one changed argument: what the client is made with. It was `new OpenAI({ apiKey })`.
      model: new OpenAIChatCompletionsModel(new OpenAI(router.clientOptions()), 'auto'),
    });
  }

  async sort(text: string): Promise<{ triage: Triage; model: string }> {
    const { finalOutput, rawResponses } = await this.#runner.run(this.#agent, text);
    if (finalOutput === undefined) throw new Error('The triage came to no result.');
    const model: unknown = rawResponses.at(-1)?.providerData?.model;
    return { triage: finalOutput, model: typeof model === 'string' ? model : 'unknown' };
  }
}
