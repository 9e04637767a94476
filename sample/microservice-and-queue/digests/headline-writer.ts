import { generateText } from 'ai';
import { Injectable } from '@nestjs/common';
import { routerModel } from 'nestjs-llm-router/ai-sdk';
import type { Answer } from '../answer.js';

/** Finds a headline, with the AI SDK. */
@Injectable()
export class HeadlineWriter {
  async write(tickets: readonly string[]): Promise<Answer> {
    const { text, response } = await generateText({
      // The one changed argument. It was `openai('gpt-4o')`.
      model: routerModel('auto'),
      prompt: `A headline of at most eight words for this day at the support desk:\n${tickets.join('\n')}`,
    });
    return { text, model: response.modelId };
  }
}
