/** What a recorded answer or stream holds, in OpenAI's accounting, read without any code of the adapters. */
export interface Reading {
  readonly choices: readonly ReadChoice[];
  readonly usage: ReadUsage | undefined;
}

export interface ReadChoice {
  readonly index: number;
  readonly text: string;
  readonly reasoning: string;
  readonly toolCalls: readonly ReadToolCall[];
  readonly finishReason: string;
  /** Tokens with their log probability. */
  readonly logprobs: readonly (readonly [string, number])[];
}

export interface ReadToolCall {
  /** Undefined: the provider sent none, so one is made up. */
  readonly id: string | undefined;
  readonly name: string;
  /** Parsed; the text itself where it is no JSON. */
  readonly arguments: unknown;
}

export interface ReadUsage {
  readonly prompt: number;
  readonly completion: number;
  readonly cached: number;
  readonly cacheWrite: number;
  readonly reasoning: number;
}

/** Arguments as a client parses them; nothing means no argument. */
export function parseArguments(text: string): unknown {
  if (text.trim() === '') return {};
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** The payloads of a stream, line by line; what is no JSON object is skipped. */
export function payloadsOf(stream: string): unknown[] {
  return stream
    .split(/\r?\n/)
    .filter((line) => line.startsWith('data:'))
    .flatMap((line): unknown[] => {
      try {
        return [JSON.parse(line.slice(5)) as unknown];
      } catch {
        return [];
      }
    });
}
