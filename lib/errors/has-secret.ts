/** Shorter ones are what local servers take (`none`, `lm-studio`): no secret, and part of many a name. */
const MIN_LENGTH = 12;

/** Whether a name that a provider gave to something holds one of the secrets that it was sent. */
export function hasSecret(name: string, secrets: readonly string[]): boolean {
  return secrets.some((secret) => secret.length >= MIN_LENGTH && name.includes(secret));
}
