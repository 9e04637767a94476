import {
  Body,
  Controller,
  HttpCode,
  Post,
  ServiceUnavailableException,
  UseInterceptors,
} from '@nestjs/common';
import { InjectOpenAI, LlmMetricsInterceptor, Surface } from 'nestjs-llm-router';
import OpenAI from 'openai';
import { DraftDto } from './draft.dto.js';

/** The draft of an e-mail, and the model that wrote it. */
export interface EmailDraft {
  readonly text: string;
  readonly model: string | null;
}

/** Code written against OpenAI's client, as it was before the router came: only where the client comes from is new. */
@Surface('drafts')
@UseInterceptors(LlmMetricsInterceptor)
@Controller('drafts')
export class EmailDraftController {
  constructor(@InjectOpenAI() private readonly client: OpenAI) {}

  @Post()
  @HttpCode(200)
  async write(@Body() { notes, tone }: DraftDto): Promise<EmailDraft> {
    try {
      const { data, response } = await this.client.chat.completions
        .create({
          model: 'short_texts', // a rule of ours; 'auto' would leave it to the classifier
          messages: [
            { role: 'system', content: `Write a short, ${tone} e-mail to a customer from these notes.` },
            { role: 'user', content: notes },
          ],
        })
        .withResponse();
      return {
        text: data.choices[0]?.message.content ?? '',
        model: response.headers.get('x-llm-model'),
      };
    } catch (error) {
      if (!(error instanceof OpenAI.APIError)) throw error;
      throw new ServiceUnavailableException('There is no draft just now', { cause: error });
    }
  }
}
