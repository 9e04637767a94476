/** Spoils the last JSON object in a piece of an answer: what is left can be read by no parser. */
export function garble(data: string): string {
  const garbled = data.replace(/\}(\]?\s*)$/, ',]$1');
  return garbled === data ? `${data.trimEnd()},]` : garbled;
}
