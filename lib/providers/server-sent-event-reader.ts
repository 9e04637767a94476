import { createParser, type EventSourceParser } from 'eventsource-parser';
import type { EventReader } from './event-reader.js';
import type { WireEvent } from './provider-adapter.js';

/** One event of a stream; an upstream that sends no line end must not fill the memory. */
const MAX_EVENT_CHARACTERS = 16 * 1024 * 1024;

/** Server-sent events, as most providers stream: any line end, comments, characters cut in the middle. */
export class ServerSentEventReader implements EventReader {
  readonly #decoder = new TextDecoder();
  readonly #parser: EventSourceParser;

  constructor(take: (event: WireEvent) => void) {
    this.#parser = createParser({
      onEvent: ({ event, data }) => {
        take({ event, data });
      },
      maxBufferSize: MAX_EVENT_CHARACTERS,
    });
  }

  feed(bytes: Uint8Array): void {
    this.#parser.feed(this.#decoder.decode(bytes, { stream: true }));
  }

  /** A last event may lack its blank line. */
  end(): void {
    this.#parser.feed(`${this.#decoder.decode()}\n\n`);
  }
}
