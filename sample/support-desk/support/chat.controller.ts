import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { Body, Controller, HttpCode, Post, Res, StreamableFile, UseInterceptors } from '@nestjs/common';
import { LlmMetricsInterceptor, RouterService, Surface } from 'nestjs-llm-router';
import { chatEvents } from './chat-events.js';
import { QuestionDto } from './question.dto.js';

const INSTRUCTIONS =
  'You are the support desk of a small shop for coffee machines. Be brief, friendly and exact. ' +
  'Say so when you do not know.';

/** The support chat: every call made here is held to the floor and the latency of the surface `support`. */
@Surface('support')
@UseInterceptors(LlmMetricsInterceptor)
@Controller('chat')
export class ChatController {
  constructor(private readonly router: RouterService) {}

  @Post()
  @HttpCode(200)
  async answer(
    @Body() { question, earlier }: QuestionDto,
    @Res({ passthrough: true }) response: ServerResponse,
  ): Promise<StreamableFile> {
    const left = new AbortController();
    response.once('close', () => {
      left.abort(); // whoever leaves ends the call of the model too
    });
    const stream = this.router.stream(
      {
        messages: [
          { role: 'system', content: INSTRUCTIONS },
          ...earlier,
          { role: 'user', content: question },
        ],
      },
      { signal: left.signal },
    );
    const events = chatEvents(stream);
    // Once headers are out it is too late for a status: what fails before the first word is an ordinary error.
    const first = await events.next();
    return new StreamableFile(Readable.from(startingWith(first, events), { objectMode: false }), {
      type: 'text/event-stream; charset=utf-8',
    });
  }
}

async function* startingWith(
  first: IteratorResult<string, void>,
  rest: AsyncGenerator<string, void, undefined>,
): AsyncGenerator<string, void, undefined> {
  if (first.done !== true) yield first.value;
  yield* rest;
}
