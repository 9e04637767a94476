const PLAIN_NAME = /^[\w.:@/+-]{1,128}$/;

/** What is told in place of one that is no name. */
export const NO_NAME = 'not a name';

/**
 * What a provider calls its model, or the reason why an answer ended, if it is a name and nothing else. It goes into records,
 * spans and files, and a server may put there whatever it likes: the prompt, a sentence, a megabyte. That it did is told, and
 * not what. Undefined: it said nothing.
 */
export function plainName(name: unknown): string | undefined {
  if (typeof name !== 'string' || name === '') return undefined;
  return PLAIN_NAME.test(name) ? name : NO_NAME;
}
