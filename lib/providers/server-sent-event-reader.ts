import { ProviderError } from '../errors/provider-error.js';
import type { EventReader } from './event-reader.js';
import type { WireEvent } from './provider-adapter.js';

/** One event of a stream; an upstream that sends no line end must not fill the memory. */
const MAX_EVENT_CHARACTERS = 16 * 1024 * 1024;
/** What a line of an event counts for beside its characters: empty ones take memory too. */
const LINE_CHARACTERS = 16;
/** Pieces of a line that are put together at once: a string of very many parts is many times its size. */
const MAX_PIECES = 4096;

/**
 * Server-sent events, as most providers stream (https://html.spec.whatwg.org/multipage/server-sent-events.html): any line
 * end, comments, characters cut in the middle. Every byte is looked at a fixed number of times, however they are cut.
 *
 * Stricter than the standard in one thing: a line of no known field that holds the beginning of a JSON object is a piece
 * of an answer that lost its `data:`. To skip it would lose that piece unseen.
 */
export class ServerSentEventReader implements EventReader {
  readonly #decoder = new TextDecoder();
  readonly #take: (event: WireEvent) => void;
  /** The line that has begun, as it came; what there was of it before the last few pieces stands in `#blocks`. */
  #pieces: string[] = [];
  #blocks: string[] = [];
  #lineCharacters = 0;
  #endedInReturn = false;
  #event: string | undefined;
  #data: string[] = [];
  #dataCharacters = 0;

  constructor(take: (event: WireEvent) => void) {
    this.#take = take;
  }

  /** @throws {@link ProviderError} of kind `bad_response` for an event without end, or a line that lost its `data:`. */
  feed(bytes: Uint8Array): void {
    this.#read(this.#decoder.decode(bytes, { stream: true }));
  }

  /**
   * A last event may lack its blank line.
   *
   * @throws {@link ProviderError} of kind `stream_cut` when that event cannot be read: it is not all there.
   */
  end(): void {
    const rest = this.#decoder.decode();
    const isCut = this.#lineCharacters > 0 || rest !== '' || this.#data.length > 0;
    try {
      this.#read(`${rest}\n\n`);
    } catch (error) {
      const isUnreadable =
        error instanceof ProviderError && error.kind === 'bad_response' && error.providerCode === undefined;
      throw isCut && isUnreadable ? new ProviderError({ kind: 'stream_cut' }) : error;
    }
  }

  #read(decoded: string): void {
    const text = this.#withLineFeeds(decoded);
    let start = 0;
    let end = text.indexOf('\n');
    while (end !== -1) {
      this.#takeLine(
        this.#lineCharacters === 0 ? text.slice(start, end) : this.#finishLine(text.slice(start, end)),
      );
      start = end + 1;
      end = text.indexOf('\n', start);
    }
    if (start < text.length) this.#keep(text.slice(start));
  }

  /** A line end of two characters may be cut between them. */
  #withLineFeeds(text: string): string {
    if (text === '') return text;
    const whole = this.#endedInReturn && text.startsWith('\n') ? text.slice(1) : text;
    this.#endedInReturn = text.endsWith('\r');
    return whole.includes('\r') ? whole.replaceAll(/\r\n?/g, '\n') : whole;
  }

  #keep(piece: string): void {
    this.#pieces.push(piece);
    this.#lineCharacters += piece.length;
    this.#assertBounded();
    if (this.#pieces.length === MAX_PIECES) {
      this.#blocks.push(this.#pieces.join(''));
      this.#pieces = [];
    }
  }

  #finishLine(end: string): string {
    const line = [...this.#blocks, ...this.#pieces, end].join('');
    this.#pieces = [];
    this.#blocks = [];
    this.#lineCharacters = 0;
    return line;
  }

  #takeLine(line: string): void {
    if (line === '') {
      this.#dispatch();
      return;
    }
    const colon = line.indexOf(':');
    // A comment.
    if (colon === 0) return;
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(line.startsWith(' ', colon + 1) ? colon + 2 : colon + 1);
    switch (field) {
      case 'data':
        this.#data.push(value);
        this.#dataCharacters += value.length + LINE_CHARACTERS;
        this.#assertBounded();
        return;
      case 'event':
        this.#event = value === '' ? undefined : value;
        return;
      case 'id':
      case 'retry':
        return;
      default:
        // A whole object, such as an error that a proxy wrote into the stream, may say what happened.
        if (line.startsWith('{')) this.#take({ data: line });
        else if (line.includes('{"')) {
          throw new ProviderError({ kind: 'bad_response', providerCode: 'malformed_event' });
        }
    }
  }

  #dispatch(): void {
    const event = this.#event;
    const data = this.#data;
    this.#event = undefined;
    if (data.length === 0) return;
    this.#data = [];
    this.#dataCharacters = 0;
    this.#take({ event, data: data.length === 1 ? (data[0] ?? '') : data.join('\n') });
  }

  #assertBounded(): void {
    if (this.#lineCharacters + this.#dataCharacters > MAX_EVENT_CHARACTERS) {
      throw new ProviderError({ kind: 'bad_response', providerCode: 'event_too_large' });
    }
  }
}
