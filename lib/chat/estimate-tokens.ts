/**
 * Tokens of a text by its UTF-8 length, four bytes a token: English runs at 4 to 4.5 characters a token, scripts of
 * three bytes a character at about one token each. Never tokenises: that costs 60 ms for 200 KB on the event loop.
 */
export function estimateTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text, 'utf8') / 4);
}
