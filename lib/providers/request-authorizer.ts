/** A wire request that is complete but for what lets it in. */
export interface UnauthorizedRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The body as it will be sent; undefined: there is none. */
  readonly body: string | undefined;
}

/**
 * Lets requests in where a key in a header is not enough: signatures over the whole request, tokens that run out.
 */
export interface RequestAuthorizer {
  /**
   * The address to send to, where something in it is known to the credentials alone. Absent: the address as it is.
   *
   * @throws As `authorize` does.
   */
  completeUrl?(url: string, signal: AbortSignal): Promise<string>;
  /**
   * The headers to add to the request.
   *
   * @param signal - The attempt's: getting a token must not outlive it.
   * @throws {@link ProviderError} of kind `authentication` where there are no credentials, or the signal's reason.
   */
  authorize(request: UnauthorizedRequest, signal: AbortSignal): Promise<Readonly<Record<string, string>>>;
  /**
   * The provider refused what `authorize` gave (401, or an error of kind `authentication` with whatever status): it need
   * not be given again. Absent: nothing is kept.
   */
  refused?(pass: Readonly<Record<string, string>>): void;
  /** What must be in no error, as far as it is known by now. */
  readSecrets(): readonly string[];
}
