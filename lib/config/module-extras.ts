/** What `forRoot` and `forRootAsync` take beside the configuration. */
export const MODULE_EXTRAS = ['isGlobal', 'handlerMetrics', 'answerHeaders'] as const;

/** Options as `forRoot` takes them, without what is no configuration. What is no plain object stays as it is. */
export function withoutModuleExtras(raw: unknown): unknown {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw) || 'then' in raw) return raw;
  const extras: readonly string[] = MODULE_EXTRAS;
  return Object.fromEntries(Object.entries(raw).filter(([key]) => !extras.includes(key)));
}
