import { z } from 'zod';

/** Where a client is pointed, and by whom. */
export interface ClientTarget {
  /** With `/v1`. */
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly model: string;
  /** How often the client itself asks again. */
  readonly maxRetries: number;
  /** Left out where it is undefined. */
  readonly temperature?: number;
}

export interface ClientPrompt {
  readonly text: string;
  /** A data URL. */
  readonly image?: string;
}

/** What every client can tell of an answer. */
export interface ClientAnswer {
  readonly text: string;
  readonly finish: string | undefined;
  /** Undefined where the client was told none. */
  readonly usage: { readonly prompt: number; readonly completion: number } | undefined;
}

/** A tool that ran, in the client, with what it was given. */
export interface ClientToolRun {
  readonly name: string;
  readonly arguments: unknown;
}

export interface ClientToolLoop {
  readonly text: string;
  readonly runs: readonly ClientToolRun[];
}

export interface ExpectedClientError {
  /** Undefined for an error in mid-stream, which has no status of its own. */
  readonly status: 400 | 401 | 404 | 429 | 502 | undefined;
  readonly code: string;
  readonly type: string;
  readonly param: string | null;
}

/** One client library, used as its own documentation says, behind one interface for all of them. */
export interface ClientDriver {
  readonly name: string;
  /** OpenAI's SDKs do, and what stands on their retries; others go by the status alone. */
  readonly heedsShouldRetry: boolean;
  /** Some ask for a stream's usage always. */
  readonly mayLeaveUsageOut: boolean;
  chat(target: ClientTarget, prompt: ClientPrompt): Promise<ClientAnswer>;
  /** @throws what the client raises in mid-stream. */
  stream(
    target: ClientTarget,
    prompt: ClientPrompt,
    options: { readonly isUsageAsked: boolean },
  ): Promise<ClientAnswer>;
  /** The client's own loop where it has one: {@link WEATHER} and {@link CLOCK} until an answer in words. */
  toolLoop(
    target: ClientTarget,
    prompt: ClientPrompt,
    options: { readonly isStreamed: boolean },
  ): Promise<ClientToolLoop>;
  /** An object of {@link PLACE_SCHEMA}, the same by every way the client has: streamed too, by a forced tool too. */
  structured(target: ClientTarget, prompt: ClientPrompt): Promise<unknown>;
  /** Holds what the client raises to its own class for it. */
  expectError(
    target: ClientTarget,
    options: { readonly isStreamed: boolean },
    expected: ExpectedClientError,
  ): Promise<void>;
  /** Leaves at the first piece of text. @returns that piece */
  abortMidStream(target: ClientTarget, prompt: ClientPrompt): Promise<string>;
}

export const PLACE_SCHEMA = z.object({ city: z.string(), people: z.number() });
export const CITY_SCHEMA = z.object({ city: z.string() });
export const NO_ARGUMENTS_SCHEMA = z.object({});

export const WEATHER = {
  name: 'weather',
  description: 'The weather of a city.',
  run: (city: string): string => `It rains in ${city}.`,
};

/** Without arguments. */
export const CLOCK = { name: 'clock', description: 'The time.', run: (): string => 'It is noon.' };
