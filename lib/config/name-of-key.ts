import { createHmac, randomBytes } from 'node:crypto';

/** Of this process alone: what a key is named by tells nothing of it. */
const NAMING_SECRET = randomBytes(32);

/** Names a key of `http.apiKeys` without being it: the same for the same key, wherever a later configuration lists it. */
export function nameOfKey(key: string): string {
  return `key-${createHmac('sha256', NAMING_SECRET).update(key).digest('base64url').slice(0, 16)}`;
}
