const PLAIN_NAME = /^[\w.:@/+-]{1,128}$/;

/**
 * What a provider calls its model, or the reason why an answer ended, if it is a name and nothing else. It goes into records,
 * spans and files, and a server may put there whatever it likes: the prompt, a sentence, a megabyte.
 */
export function plainName(name: unknown): string | undefined {
  return typeof name === 'string' && PLAIN_NAME.test(name) ? name : undefined;
}
