import OpenAI from 'openai-4';
import { makeParseableResponseFormat } from 'openai-4/lib/parser';
import { expect } from 'vitest';
import { z } from 'zod';
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

/** The official SDK two majors ago, over `node-fetch`: most of what runs out there. Its helpers are in `beta`. */
export const openAi4Driver: ClientDriver = {
  name: 'openai 4',
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
      if (!isUsageAsked) expect(chunk.choices).toHaveLength(1);
      text += chunk.choices[0]?.delta.content ?? '';
      finish = chunk.choices[0]?.finish_reason ?? finish;
      usage = usageOf(chunk.usage) ?? usage;
    }
    return { text, finish, usage };
  },

  async toolLoop(target, prompt, { isStreamed }) {
    const runs: ClientToolRun[] = [];
    const completions = clientOf(target).beta.chat.completions;
    const body = { ...bodyOf(target, prompt), tools: runnableTools(runs) };
    const runner = isStreamed ? completions.runTools({ ...body, stream: true }) : completions.runTools(body);
    return { text: (await runner.finalContent()) ?? '', runs };
  },

  async structured(target, prompt) {
    // What its zod helper makes, which knows zod 3 alone.
    const format = makeParseableResponseFormat(
      {
        type: 'json_schema',
        json_schema: { name: 'place', strict: true, schema: z.toJSONSchema(PLACE_SCHEMA) },
      },
      (text) => PLACE_SCHEMA.parse(JSON.parse(text)),
    );
    const body = { ...bodyOf(target, prompt), response_format: format };
    const completions = clientOf(target).beta.chat.completions;
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
