import type { ChatCompletion, ChatCompletionChunk, ValidatedChatRequest } from '../chat/index.js';
import type { AnsweredRequest, PlannedRequest, RequestObserver, StreamFollower } from './request-observer.js';

/** All of them as one; what one throws harms neither the request nor the others. */
export class RequestObservers implements Required<RequestObserver> {
  readonly #observers: RequestObserver[] = [];

  /** @param onFault - Told of what an observer threw. */
  constructor(private readonly onFault: (decisionId: string, error: unknown) => void) {}

  /** Gives a function that takes it out again. */
  add(observer: RequestObserver): () => void {
    this.#observers.push(observer);
    return () => {
      const index = this.#observers.indexOf(observer);
      if (index >= 0) this.#observers.splice(index, 1);
    };
  }

  onPlanned(planned: PlannedRequest, request: ValidatedChatRequest | undefined): void {
    for (const observer of this.#observers) {
      this.guard(planned.labels.decisionId, () => observer.onPlanned?.(planned, request));
    }
  }

  onAnswer(answered: AnsweredRequest, completion: ChatCompletion): void {
    for (const observer of this.#observers) {
      this.guard(answered.labels.decisionId, () => observer.onAnswer?.(answered, completion));
    }
  }

  followStream(answered: AnsweredRequest): StreamFollower | undefined {
    const { decisionId } = answered.labels;
    const followers: StreamFollower[] = [];
    for (const observer of this.#observers) {
      const follower = this.guard(decisionId, () => observer.followStream?.(answered));
      if (follower !== undefined) followers.push(follower);
    }
    if (followers.length === 0) return undefined;
    return {
      onChunk: (chunk: ChatCompletionChunk) => {
        for (const follower of followers) {
          this.guard(decisionId, () => {
            follower.onChunk(chunk);
          });
        }
      },
      onEnd: (isComplete) => {
        for (const follower of followers) {
          this.guard(decisionId, () => {
            follower.onEnd(isComplete);
          });
        }
      },
    };
  }

  private guard<Result>(decisionId: string, call: () => Result): Result | undefined {
    try {
      return call();
    } catch (error) {
      this.onFault(decisionId, error);
      return undefined;
    }
  }
}
