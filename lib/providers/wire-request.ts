/** One HTTP request, complete but for base URL and key. */
export interface WireRequest {
  /** Path below the provider's base URL, with a leading slash. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** A JSON-serialisable body; undefined: a GET. */
  readonly body: unknown;
}
