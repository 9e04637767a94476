/** Where the application listens, and where its queue is. */
export interface Settings {
  /** Of HTTP. */
  readonly port: number;
  /** Of the microservice; 0: any. */
  readonly tcpPort: number;
  /** Undefined: a Redis of our own. */
  readonly redisUrl: string | undefined;
  /** Some provider's key is there; without one the answers are simulated. */
  readonly hasKeys: boolean;
}

/** @throws Error of one line for a value that cannot be used. */
export function readSettings(environment: NodeJS.ProcessEnv): Settings {
  const portOf = (name: string, otherwise: number): number => {
    const text = environment[name] ?? '';
    if (text === '') return otherwise;
    if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) {
      throw new Error(`${name} must be a number from 0 to 65535`);
    }
    return Number(text);
  };
  const given = (name: string): string | undefined => {
    const text = environment[name];
    return text === '' ? undefined : text;
  };
  return {
    port: portOf('PORT', 3000),
    tcpPort: portOf('TCP_PORT', 0),
    redisUrl: given('REDIS_URL'),
    hasKeys: ['OPENAI_API_KEY', 'ANTHROPIC_API_KEY', 'GEMINI_API_KEY'].some(
      (name) => given(name) !== undefined,
    ),
  };
}
