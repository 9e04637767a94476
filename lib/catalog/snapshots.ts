/**
 * Dated ids of catalogue models that clients name to get one fixed version; each shares its model's facts.
 * Ids out of models.dev (2026-07-02), lmarena/arena-catalog (2025-12-17) and the `model` fields of recorded answers.
 */
export const MODEL_SNAPSHOTS: readonly (readonly [model: string, snapshots: readonly string[]])[] = [
  ['gpt-3.5-turbo', ['gpt-3.5-turbo-0125', 'gpt-3.5-turbo-1106']],
  ['gpt-4', ['gpt-4-0613']],
  ['gpt-4-turbo', ['gpt-4-turbo-2024-04-09']],
  ['gpt-4o-mini', ['gpt-4o-mini-2024-07-18']],
  ['gpt-4.1', ['gpt-4.1-2025-04-14']],
  ['gpt-4.1-mini', ['gpt-4.1-mini-2025-04-14']],
  ['gpt-4.1-nano', ['gpt-4.1-nano-2025-04-14']],
  ['gpt-5', ['gpt-5-2025-08-07']],
  ['gpt-5-mini', ['gpt-5-mini-2025-08-07']],
  ['gpt-5-nano', ['gpt-5-nano-2025-08-07']],
  ['gpt-5.2', ['gpt-5.2-2025-12-11']],
  ['gpt-5.4-mini', ['gpt-5.4-mini-2026-03-17']],
  ['gpt-5.5', ['gpt-5.5-2026-04-23']],
  ['o1', ['o1-2024-12-17']],
  ['o3', ['o3-2025-04-16']],
  ['o3-mini', ['o3-mini-2025-01-31']],
  ['o4-mini', ['o4-mini-2025-04-16']],
  ['claude-haiku-4-5', ['claude-haiku-4-5-20251001']],
  ['claude-sonnet-4-5', ['claude-sonnet-4-5-20250929']],
  ['claude-sonnet-4-0', ['claude-sonnet-4-20250514']],
  ['claude-opus-4-0', ['claude-opus-4-20250514']],
  ['claude-opus-4-1', ['claude-opus-4-1-20250805']],
  ['claude-opus-4-5', ['claude-opus-4-5-20251101']],
];
