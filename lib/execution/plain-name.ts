import { hasSecret } from '../errors/has-secret.js';

const PLAIN_NAME = /^[\w.:@/+-]{1,128}$/;

/** What is told in place of one that is no name. */
export const NO_NAME = 'not a name';

/**
 * What a provider calls its model, if it is a name and nothing else. It goes into records, spans and files, and a server may
 * put there whatever it likes: the prompt, a key, a megabyte. That it did is told, and not what. Undefined: it said nothing.
 */
export function plainName(
  name: unknown,
  readSecrets: () => readonly string[] = () => [],
): string | undefined {
  if (typeof name !== 'string' || name === '') return undefined;
  return PLAIN_NAME.test(name) && !hasSecret(name, readSecrets()) ? name : NO_NAME;
}
