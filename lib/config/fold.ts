/** Our own keys match without regard to case and underscores, so that snake_case files load as they are. */
export function fold(key: string): string {
  return key.replaceAll('_', '').toLowerCase();
}
