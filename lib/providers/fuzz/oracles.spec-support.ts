import { ProviderError } from '../../errors/provider-error.js';
import { CANARY } from './strange-json.spec-support.js';
import type { Wire } from './seeds.spec-support.js';
import type { WireEvent } from '../provider-adapter.js';

/** Output for each byte of input, at most: the smallest chunks come of the smallest events. */
export const MAX_GROWTH = 64;
/** What an empty input may still give. */
export const FREE_CHARACTERS = 8192;
const MAX_WAIT_MS = 2 ** 31 - 1;

const FIELDS = new Set(['name', 'kind', 'status', 'providerCode', 'param', 'retryAfterMs', 'otherKeyReady']);

/** A case that went wrong: what was expected. */
export class Fault extends Error {
  override readonly name = 'Fault';
}

/** Whatever comes out of a parser is a {@link ProviderError} that shows nothing of what the upstream wrote. */
export function checkError(error: unknown): void {
  if (!(error instanceof ProviderError)) throw error;
  const shown = `${error.message}\n${String(error.stack)}\n${JSON.stringify(error)}`;
  if (shown.includes(CANARY)) throw new Fault('an error shows the sentence of the upstream');
  for (const name of Object.keys(error)) {
    if (!FIELDS.has(name)) throw new Fault(`an error has the field ${name}`);
  }
  const { kind, status, providerCode, param, retryAfterMs } = error;
  const isPlain =
    /^[a-z_]+$/.test(kind) &&
    (status === undefined || (Number.isInteger(status) && status >= 100 && status < 600)) &&
    (providerCode === undefined || /^[A-Za-z0-9_.-]{1,64}$/.test(providerCode)) &&
    (param === undefined || /^[A-Za-z0-9_.$[\]-]{1,128}$/.test(param)) &&
    (retryAfterMs === undefined ||
      (Number.isSafeInteger(retryAfterMs) && retryAfterMs >= 0 && retryAfterMs <= MAX_WAIT_MS));
  if (!isPlain) throw new Fault(`an error has a strange field: ${JSON.stringify(error)}`);
}

export function checkGrowth(inputBytes: number, outputCharacters: number): void {
  if (outputCharacters > FREE_CHARACTERS + MAX_GROWTH * inputBytes) {
    throw new Fault(`${inputBytes} bytes became ${outputCharacters} characters`);
  }
}

const prototypes = [Object.prototype, Array.prototype, Function.prototype, String.prototype];
const namesBefore = prototypes.map((prototype) => Reflect.ownKeys(prototype).length);

export function checkPrototypes(): void {
  prototypes.forEach((prototype, place) => {
    if (Reflect.ownKeys(prototype).length !== namesBefore[place])
      throw new Fault('a prototype was written to');
  });
}

/** What is sent on has the prototype it was made with. */
export function checkPlain(value: object): void {
  if (Object.getPrototypeOf(value) !== Object.prototype)
    throw new Fault('an object has a prototype of the input’s');
}

type Json = Readonly<Record<string, unknown>>;

const listOf = (value: unknown): readonly Json[] =>
  Array.isArray(value)
    ? (value as unknown[]).filter((entry): entry is Json => typeof entry === 'object' && entry !== null)
    : [];
const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';

function readJson(text: string): Json {
  try {
    // As the translators do: a byte order mark is a space to `trim`.
    const value: unknown = JSON.parse(text.trim());
    return typeof value === 'object' && value !== null ? (value as Json) : {};
  } catch {
    return {};
  }
}

/** Whether the stream said, in the words of its wire, that the answer is whole: read again, by other code. */
export function saidItWasWhole(wire: Wire, events: readonly WireEvent[], isCompatible: boolean): boolean {
  const bodies = events.map(({ data }) => readJson(data));
  const isDone = events.some(({ data }) => data.trim() === '[DONE]');
  switch (wire) {
    case 'openai':
      return (
        (isDone && isCompatible) ||
        bodies.some(({ choices }) => listOf(choices).some((choice) => isText(choice.finish_reason)))
      );
    case 'anthropic': {
      const hasReason = bodies.some(({ type, delta, message }) =>
        isText(
          (
            (type === 'message_start' ? message : type === 'message_delta' ? delta : undefined) as
              Json | null | undefined
          )?.stop_reason,
        ),
      );
      return hasReason && (isDone || bodies.some(({ type }) => type === 'message_stop'));
    }
    case 'gemini':
      return bodies.some(
        ({ candidates, promptFeedback }) =>
          listOf(candidates).some(({ finishReason }) => isText(finishReason)) ||
          isText((promptFeedback as Json | null | undefined)?.blockReason),
      );
    case 'bedrock':
      return events.some(({ event }, place) => event === 'messageStop' && isText(bodies[place]?.stopReason));
  }
}
