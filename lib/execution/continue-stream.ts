import type { ChatCompletionChunk } from '../chat/index.js';
import { StreamInterruptedError } from '../errors/stream-interrupted-error.js';
import type { ServedStream } from './execution.js';
import { SaidSoFar } from './said-so-far.js';
import { MAX_OVERLAP, withoutOverlap } from './without-overlap.js';

/**
 * What the first chunk of a continuation carries under `llm_router`, beside OpenAI's fields.
 *
 * @publicApi
 */
export interface StreamContinuation {
  readonly continued_by: { readonly model: string; readonly provider: string };
}

/** Asks another model for the rest. Undefined: there is none, or it failed as well. */
export type AskForRest = (said: SaidSoFar) => Promise<ServedStream | undefined>;

/**
 * A stream that outlives the failure of its provider: another model is handed what was already said and goes on from there.
 * The client sees one answer, with the id it began with, and where the other model took over.
 */
export async function* continueStream(
  served: ServedStream,
  askForRest: AskForRest,
): AsyncGenerator<ChatCompletionChunk | undefined, void, undefined> {
  const said = new SaidSoFar();
  let current = served;
  let continuation: Continuation | undefined;
  try {
    yield undefined;
    for (;;) {
      try {
        for await (const chunk of current.chunks) {
          for (const shown of continuation?.show(chunk) ?? [chunk]) {
            said.follow(shown);
            yield shown;
          }
        }
        return;
      } catch (error) {
        if (!(error instanceof StreamInterruptedError)) throw error;
        if (error.kind === 'shutdown' || error.kind === 'deadline') throw error;
        if (!said.isContinuable) throw error;
        const next = await askForRest(said);
        if (next === undefined) throw error;
        current = next;
        continuation = new Continuation(said, next);
      }
    }
  } finally {
    await current.chunks.return();
  }
}

/** Makes the chunks of another answer the rest of the first one. */
class Continuation {
  readonly #before: string;
  readonly #tokensBefore: number;
  #held: ChatCompletionChunk[] = [];
  #heldText = '';
  #isOpen = false;
  #isMarked = false;

  constructor(
    private readonly said: SaidSoFar,
    private readonly served: ServedStream,
  ) {
    this.#before = said.text;
    this.#tokensBefore = said.tokens;
  }

  show(chunk: ChatCompletionChunk): ChatCompletionChunk[] {
    const own = this.adopt(chunk);
    if (this.#isOpen) return [own];
    const [choice] = own.choices;
    const text = choice?.delta.content ?? '';
    this.#heldText += text;
    this.#held.push(own);
    // Without a choice it is the usage, which comes last.
    const isEnd = choice?.finish_reason !== null;
    // Until it is clear how much of the beginning is a repetition.
    if (!isEnd && this.#heldText.length < Math.min(MAX_OVERLAP, this.#before.length)) return [];
    this.#isOpen = true;
    const fresh = withoutOverlap(this.#before, this.#heldText);
    let cut = this.#heldText.length - fresh.length;
    return this.#held.map((held) => {
      const content = held.choices[0]?.delta.content ?? '';
      const cutHere = Math.min(cut, content.length);
      cut -= cutHere;
      return cutHere === 0 ? held : withContent(held, content.slice(cutHere));
    });
  }

  private adopt(chunk: ChatCompletionChunk): ChatCompletionChunk {
    const { first } = this.said;
    const own = {
      ...chunk,
      ...(first === undefined ? {} : { id: first.id, created: first.created }),
      choices: chunk.choices.map((choice) => {
        const { role: _role, ...delta } = choice.delta;
        return { ...choice, delta };
      }),
      ...(chunk.usage ? { usage: this.total(chunk.usage) } : {}),
    };
    if (this.#isMarked) return own;
    this.#isMarked = true;
    const { model, provider } = this.served.planned.deployment;
    const mark: StreamContinuation = { continued_by: { model: model.name, provider } };
    return Object.assign(own, { llm_router: mark });
  }

  /** The client's answer is both parts; what was said before was not counted by its provider. */
  private total(usage: NonNullable<ChatCompletionChunk['usage']>): ChatCompletionChunk['usage'] {
    const before = this.#tokensBefore;
    return {
      ...usage,
      completion_tokens: usage.completion_tokens + before,
      total_tokens: usage.total_tokens + before,
    };
  }
}

function withContent(chunk: ChatCompletionChunk, content: string): ChatCompletionChunk {
  return {
    ...chunk,
    choices: chunk.choices.map((choice) => ({ ...choice, delta: { ...choice.delta, content } })),
  };
}
