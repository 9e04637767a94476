/** The command line cannot be used; its message is all that is shown. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
