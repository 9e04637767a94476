import OpenAI from 'openai';
import { zodResponseFormat } from 'openai/helpers/zod';
import { expect } from 'vitest';
import {
  type ClientAnswer,
  type ClientDriver,
  type ClientPrompt,
  type ClientTarget,
  type ClientToolRun,
  PLACE_SCHEMA,
} from './client-driver.interface.js';
import { expectApiError, raisedBy } from './expect-client-error.js';
import { runnableTools } from './runnable-tools.js';

const clientOf = ({ baseUrl, apiKey, maxRetries }: ClientTarget): OpenAI =>
  new OpenAI({ baseURL: baseUrl, apiKey, maxRetries });

function bodyOf({ model, temperature }: ClientTarget, { text, image }: ClientPrompt) {
  const content: string | OpenAI.ChatCompletionContentPart[] =
    image === undefined
      ? text
      : [
          { type: 'text', text },
          { type: 'image_url', image_url: { url: image } },
        ];
  return {
    model,
    messages: [{ role: 'user' as const, content }],
    ...(temperature === undefined ? {} : { temperature }),
  };
}

function usageOf(usage: OpenAI.CompletionUsage | null | undefined): ClientAnswer['usage'] {
  return usage ? { prompt: usage.prompt_tokens, completion: usage.completion_tokens } : undefined;
}

/** The official SDK, as it is now. */
export const openAi6Driver: ClientDriver = {
  name: 'openai 6',
  heedsShouldRetry: true,
  mayLeaveUsageOut: true,

  async chat(target, prompt) {
    const { choices, usage } = await clientOf(target).chat.completions.create(bodyOf(target, prompt));
    const [choice] = choices;
    return {
      text: choice?.message.content ?? '',
      finish: choice?.finish_reason,
      usage: usageOf(usage),
    };
  },

  async stream(target, prompt, { isUsageAsked }) {
    const stream = await clientOf(target).chat.completions.create({
      ...bodyOf(target, prompt),
      stream: true,
      ...(isUsageAsked ? { stream_options: { include_usage: true } } : {}),
    });
    let text = '';
    let finish: string | undefined;
    let usage: ClientAnswer['usage'];
    for await (const chunk of stream) {
      // Code written against OpenAI indexes the choices of every chunk where it did not ask for usage.
      if (!isUsageAsked) expect(chunk.choices).toHaveLength(1);
      text += chunk.choices[0]?.delta.content ?? '';
      finish = chunk.choices[0]?.finish_reason ?? finish;
      usage = usageOf(chunk.usage) ?? usage;
    }
    return { text, finish, usage };
  },

  async toolLoop(target, prompt, { isStreamed }) {
    const runs: ClientToolRun[] = [];
    const completions = clientOf(target).chat.completions;
    const body = { ...bodyOf(target, prompt), tools: runnableTools(runs) };
    const runner = isStreamed ? completions.runTools({ ...body, stream: true }) : completions.runTools(body);
    return { text: (await runner.finalContent()) ?? '', runs };
  },

  async structured(target, prompt) {
    const body = { ...bodyOf(target, prompt), response_format: zodResponseFormat(PLACE_SCHEMA, 'place') };
    const completions = clientOf(target).chat.completions;
    const { parsed } = (await completions.parse(body)).choices[0]!.message;
    const streamed = await completions.stream(body).finalChatCompletion();
    expect(streamed.choices[0]?.message.parsed).toEqual(parsed);
    return parsed;
  },

  async expectError(target, { isStreamed }, expected) {
    const prompt = { text: 'Count' };
    const error = await raisedBy(
      isStreamed ? this.stream(target, prompt, { isUsageAsked: false }) : this.chat(target, prompt),
    );
    expectApiError(OpenAI, error, expected);
  },

  async abortMidStream(target, prompt) {
    const stream = await clientOf(target).chat.completions.create({
      ...bodyOf(target, prompt),
      stream: true,
    });
    for await (const chunk of stream) {
      const text = chunk.choices[0]?.delta.content ?? '';
      if (text === '') continue;
      stream.controller.abort();
      return text;
    }
    return '';
  },
};
