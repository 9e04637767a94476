import { ProviderError } from '../../errors/provider-error.js';
import type { EventReader } from '../event-reader.js';
import { objectOf, parseJson } from '../json-reading.js';
import type { WireEvent } from '../provider-adapter.js';

/** The name under which exceptions come out, their own names in `__type`: an event of a stream has none such. */
export const EXCEPTION_EVENT = ':exception';

/** The protocol's own limit on a message (Smithy, "Amazon Event Stream Specification"). */
const MAX_FRAME_BYTES = 16 * 1024 * 1024;
/** Prelude of two lengths with a checksum, and the checksum of the whole. */
const MIN_FRAME_BYTES = 16;
const LENGTH_BYTES = 4;

/** What is used of `EventStreamCodec` of `@smithy/eventstream-codec`. */
export interface FrameCodec {
  /** @throws Error for a frame whose lengths, checksums or headers are wrong. */
  decode(frame: Uint8Array): {
    readonly headers: Readonly<Record<string, { readonly value: unknown } | undefined>>;
    readonly body: Uint8Array;
  };
}

/**
 * `application/vnd.amazon.eventstream`: binary frames of length, headers, payload and two CRC-32 sums, read by the
 * vendor's own codec. A frame becomes an event named by `:event-type` with the payload as data; exceptions
 * (`:exception-type`) and errors (`:error-code`) become {@link EXCEPTION_EVENT}, in the shape HTTP gives them.
 */
export class AmazonEventStreamReader implements EventReader {
  /** The frame that has begun, as far as it is there; grows with it, whatever length it claims. */
  #frame = new Uint8Array(MIN_FRAME_BYTES);
  #filled = 0;
  /** Bytes of the frame; undefined: its length is not there yet. */
  #frameBytes: number | undefined;

  constructor(
    private readonly codec: FrameCodec,
    private readonly take: (event: WireEvent) => void,
  ) {}

  feed(bytes: Uint8Array): void {
    let rest = bytes;
    while (rest.byteLength > 0) {
      const wanted = this.#frameBytes ?? LENGTH_BYTES;
      const piece = rest.subarray(0, wanted - this.#filled);
      rest = rest.subarray(piece.byteLength);
      this.#append(piece);
      if (this.#filled < wanted) return;
      if (this.#frameBytes === undefined) {
        this.#frameBytes = readFrameLength(this.#frame);
      } else {
        const frame = this.#frame.subarray(0, this.#filled);
        this.#reset();
        this.take(this.#read(frame));
      }
    }
  }

  /** A frame that lacks its end never counts; the translator knows whether the stream was whole. */
  end(): void {
    this.#reset();
  }

  #append(piece: Uint8Array): void {
    const needed = this.#filled + piece.byteLength;
    if (needed > this.#frame.byteLength) {
      const larger = new Uint8Array(Math.max(needed, 2 * this.#frame.byteLength));
      larger.set(this.#frame.subarray(0, this.#filled));
      this.#frame = larger;
    }
    this.#frame.set(piece, this.#filled);
    this.#filled = needed;
  }

  #reset(): void {
    this.#frame = new Uint8Array(MIN_FRAME_BYTES);
    this.#filled = 0;
    this.#frameBytes = undefined;
  }

  #read(frame: Uint8Array): WireEvent {
    let message: ReturnType<FrameCodec['decode']>;
    try {
      message = this.codec.decode(frame);
    } catch {
      // Its sentence holds checksums, and may hold more one day.
      throw new ProviderError({ kind: 'bad_response', providerCode: 'broken_event_stream' });
    }
    const header = (name: string): string | undefined => {
      const value = message.headers[name]?.value;
      return typeof value === 'string' ? value : undefined;
    };
    const payload = new TextDecoder().decode(message.body);
    switch (header(':message-type') ?? 'event') {
      case 'exception':
        return toException(header(':exception-type'), objectOf(parseJson(payload))?.message);
      case 'error':
        return toException(header(':error-code'), header(':error-message'));
      default:
        return { event: header(':event-type'), data: payload };
    }
  }
}

function toException(name: string | undefined, message: unknown): WireEvent {
  return { event: EXCEPTION_EVENT, data: JSON.stringify({ __type: name, message }) };
}

function readFrameLength(bytes: Uint8Array): number {
  const length = new DataView(bytes.buffer, bytes.byteOffset, LENGTH_BYTES).getUint32(0);
  if (length < MIN_FRAME_BYTES || length > MAX_FRAME_BYTES) {
    throw new ProviderError({ kind: 'bad_response', providerCode: 'broken_event_stream' });
  }
  return length;
}
