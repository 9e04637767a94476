import {
  APICallError,
  generateObject,
  generateText,
  type LanguageModel,
  type ModelMessage,
  RetryError,
  stepCountIs,
  streamObject,
  streamText,
  tool,
} from 'ai';
import { expect } from 'vitest';
import { readAll } from '../fault-bench.js';
import {
  CITY_SCHEMA,
  type ClientAnswer,
  type ClientDriver,
  type ClientPrompt,
  type ClientTarget,
  type ClientToolRun,
  CLOCK,
  NO_ARGUMENTS_SCHEMA,
  PLACE_SCHEMA,
  WEATHER,
} from './client-driver.interface.js';
import { raisedBy } from './expect-client-error.js';

const RETRYABLE: ReadonlySet<unknown> = new Set([429, 502]);

export interface AiSdkProvider {
  readonly name: string;
  readonly mayLeaveUsageOut: boolean;
  readonly create: (target: ClientTarget, isUsageAsked: boolean) => LanguageModel;
}

function messagesOf({ text, image }: ClientPrompt): ModelMessage[] {
  return [
    {
      role: 'user',
      content:
        image === undefined
          ? text
          : [
              { type: 'text', text },
              { type: 'image', image },
            ],
    },
  ];
}

const usageOf = (usage: {
  inputTokens: number | undefined;
  outputTokens: number | undefined;
}): ClientAnswer['usage'] =>
  usage.inputTokens === undefined || usage.outputTokens === undefined
    ? undefined
    : { prompt: usage.inputTokens, completion: usage.outputTokens };

/** The AI SDK's functions over one of its providers. */
export function createAiSdkDriver({ name, mayLeaveUsageOut, create }: AiSdkProvider): ClientDriver {
  const settingsOf = (target: ClientTarget, prompt: ClientPrompt, isUsageAsked = true) => ({
    model: create(target, isUsageAsked),
    messages: messagesOf(prompt),
    maxRetries: target.maxRetries,
    ...(target.temperature === undefined ? {} : { temperature: target.temperature }),
  });

  return {
    name,
    heedsShouldRetry: false,
    mayLeaveUsageOut,

    async chat(target, prompt) {
      const { text, finishReason, usage } = await generateText(settingsOf(target, prompt));
      return { text, finish: finishReason, usage: usageOf(usage) };
    },

    async stream(target, prompt, { isUsageAsked }) {
      const failed: { error?: unknown } = {};
      const result = streamText({
        ...settingsOf(target, prompt, isUsageAsked),
        onError: ({ error }) => {
          failed.error = error;
        },
      });
      let text = '';
      for await (const piece of result.textStream) text += piece;
      if ('error' in failed) {
        // They reject as well, with less in them.
        await Promise.allSettled([result.finishReason, result.usage]);
        throw failed.error;
      }
      return { text, finish: await result.finishReason, usage: usageOf(await result.usage) };
    },

    async toolLoop(target, prompt, { isStreamed }) {
      const runs: ClientToolRun[] = [];
      const settings = {
        ...settingsOf(target, prompt),
        tools: {
          [WEATHER.name]: tool({
            description: WEATHER.description,
            inputSchema: CITY_SCHEMA,
            execute: (input) => {
              runs.push({ name: WEATHER.name, arguments: input });
              return WEATHER.run(input.city);
            },
          }),
          [CLOCK.name]: tool({
            description: CLOCK.description,
            inputSchema: NO_ARGUMENTS_SCHEMA,
            execute: (input) => {
              runs.push({ name: CLOCK.name, arguments: input });
              return CLOCK.run();
            },
          }),
        },
        stopWhen: stepCountIs(5),
      };
      return { text: await (isStreamed ? streamText(settings) : await generateText(settings)).text, runs };
    },

    async structured(target, prompt) {
      // eslint-disable-next-line @typescript-eslint/no-deprecated -- what most code still has
      const { object, warnings } = await generateObject({
        ...settingsOf(target, prompt),
        schema: PLACE_SCHEMA,
      });
      expect(warnings ?? []).toEqual([]);
      // eslint-disable-next-line @typescript-eslint/no-deprecated -- what most code still has
      const streamed = streamObject({ ...settingsOf(target, prompt), schema: PLACE_SCHEMA });
      // Nothing comes unless it is read.
      expect((await readAll(streamed.partialObjectStream)).at(-1)).toEqual(object);
      expect(await streamed.object).toEqual(object);
      return object;
    },

    async expectError(target, { isStreamed }, expected) {
      const prompt = { text: 'Count' };
      const raised = await raisedBy(
        isStreamed ? this.stream(target, prompt, { isUsageAsked: true }) : this.chat(target, prompt),
      );
      const { status, code, type, param } = expected;
      if (status === undefined) {
        // An event's error is handed on as it stands.
        expect(raised).toMatchObject({ code, type, param });
        return;
      }
      const error = RetryError.isInstance(raised) ? raised.lastError : raised;
      if (!APICallError.isInstance(error)) throw error;
      expect(error).toMatchObject({
        statusCode: status,
        isRetryable: RETRYABLE.has(status),
        data: { error: { code, type, param } },
      });
    },

    async abortMidStream(target, prompt) {
      const leave = new AbortController();
      const { textStream } = streamText({
        ...settingsOf(target, prompt),
        abortSignal: leave.signal,
        onError: () => undefined,
      });
      let first = '';
      for await (const piece of textStream) {
        if (first === '') first = piece;
        if (first !== '') leave.abort();
      }
      return first;
    },
  };
}
