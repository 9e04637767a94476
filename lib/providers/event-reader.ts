/** Cuts the bytes of one upstream stream into events. Stateful, one instance a stream, no I/O. */
export interface EventReader {
  /**
   * Takes the next bytes, cut anywhere, and hands each event they complete to the reader's taker.
   *
   * @throws {@link ProviderError} of kind `bad_response` for bytes that are no such stream.
   */
  feed(bytes: Uint8Array): void;
  /** The body has ended: a last event may lack its end. */
  end(): void;
}
