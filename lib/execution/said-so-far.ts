import { type ChatCompletionChunk, estimateTokens, type ValidatedChatRequest } from '../chat/index.js';

/** An answer of this length is not handed on: the next model would have to read all of it. */
const MAX_CHARACTERS = 400_000;

/** What a client has been sent of an answer, as far as another model could go on from it. */
export class SaidSoFar {
  #text = '';
  #isPlain = true;
  #first: ChatCompletionChunk | undefined;

  follow(chunk: ChatCompletionChunk): void {
    this.#first ??= chunk;
    for (const { index, delta, finish_reason: finishReason } of chunk.choices) {
      const isOther =
        index !== 0 ||
        finishReason !== null ||
        Boolean(delta.refusal) ||
        (delta.tool_calls?.length ?? 0) > 0 ||
        'function_call' in delta ||
        'audio' in delta;
      if (isOther) this.#isPlain = false;
      this.#text += delta.content ?? '';
    }
    if (this.#text.length > MAX_CHARACTERS) this.#isPlain = false;
  }

  /** It is text of one choice, unfinished, and nothing else. */
  get isContinuable(): boolean {
    return this.#isPlain;
  }

  get text(): string {
    return this.#text;
  }

  get tokens(): number {
    return estimateTokens(this.#text);
  }

  /** The first chunk that went out: its id and time stay those of the answer. */
  get first(): ChatCompletionChunk | undefined {
    return this.#first;
  }
}

/** Whether an answer to it can be taken up by another model at all: not one that must be JSON, or comes in several choices. */
export function isContinuable(request: ValidatedChatRequest): boolean {
  const format = request.response_format?.type ?? 'text';
  return format === 'text' && (request.n ?? 1) === 1 && request.logprobs !== true && !request.audio;
}

const GO_ON =
  'Your answer was cut off where your last message ends. Go on with it exactly there: begin with the very next word, ' +
  'repeat nothing of it, and say nothing about the interruption.';

/** The request for the rest of an answer. */
export function continuationOf(request: ValidatedChatRequest, said: SaidSoFar): ValidatedChatRequest {
  // Thinking alone: nothing of the answer was sent, so it begins anew.
  if (said.text === '') return request;
  return {
    ...request,
    messages: [
      ...request.messages,
      { role: 'assistant', content: said.text },
      { role: 'user', content: GO_ON },
    ],
  };
}
