import { type BaseMessage, HumanMessage, ToolMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { ChatOpenAI } from '@langchain/openai';
import OpenAI from 'openai';
import { expect } from 'vitest';
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
import { expectApiError, raisedBy } from './expect-client-error.js';

const modelOf = (
  { baseUrl, apiKey, model, maxRetries, temperature }: ClientTarget,
  isUsageAsked = true,
): ChatOpenAI =>
  new ChatOpenAI({
    model,
    apiKey,
    maxRetries,
    streamUsage: isUsageAsked,
    configuration: { baseURL: baseUrl },
    ...(temperature === undefined ? {} : { temperature }),
  });

const messagesOf = ({ text, image }: ClientPrompt): BaseMessage[] => [
  new HumanMessage(
    image === undefined
      ? text
      : {
          content: [
            { type: 'text', text },
            { type: 'image_url', image_url: { url: image } },
          ],
        },
  ),
];

const usageOf = (
  usage: { input_tokens: number; output_tokens: number } | undefined,
): ClientAnswer['usage'] =>
  usage === undefined ? undefined : { prompt: usage.input_tokens, completion: usage.output_tokens };

/** LangChain, which stands on the official SDK but retries by itself. */
export const langChainDriver: ClientDriver = {
  name: '@langchain/openai',
  heedsShouldRetry: false,
  mayLeaveUsageOut: true,

  async chat(target, prompt) {
    const answer = await modelOf(target).invoke(messagesOf(prompt));
    return {
      text: answer.text,
      finish: answer.response_metadata.finish_reason as string | undefined,
      usage: usageOf(answer.usage_metadata),
    };
  },

  async stream(target, prompt, { isUsageAsked }) {
    let text = '';
    let finish: string | undefined;
    let usage: ClientAnswer['usage'];
    for await (const chunk of await modelOf(target, isUsageAsked).stream(messagesOf(prompt))) {
      text += chunk.text;
      finish = (chunk.response_metadata.finish_reason as string | undefined) ?? finish;
      usage = usageOf(chunk.usage_metadata) ?? usage;
    }
    return { text, finish, usage };
  },

  async toolLoop(target, prompt, { isStreamed }) {
    const runs: ClientToolRun[] = [];
    const weather = tool(
      (input) => {
        runs.push({ name: WEATHER.name, arguments: input });
        return WEATHER.run(input.city);
      },
      { name: WEATHER.name, description: WEATHER.description, schema: CITY_SCHEMA },
    );
    const clock = tool(
      (input) => {
        runs.push({ name: CLOCK.name, arguments: input });
        return CLOCK.run();
      },
      { name: CLOCK.name, description: CLOCK.description, schema: NO_ARGUMENTS_SCHEMA },
    );
    const model = modelOf(target).bindTools([weather, clock]);
    const messages = messagesOf(prompt);
    for (let round = 0; round < 5; round += 1) {
      const answer = isStreamed ? await joined(await model.stream(messages)) : await model.invoke(messages);
      expect(answer.invalid_tool_calls ?? []).toEqual([]);
      const calls = answer.tool_calls ?? [];
      if (calls.length === 0) return { text: answer.text, runs };
      messages.push(answer);
      for (const call of calls) {
        const result: unknown = await (call.name === WEATHER.name
          ? weather.invoke(call)
          : clock.invoke(call));
        if (!(result instanceof ToolMessage)) throw new Error('The tool gave no message.');
        messages.push(result);
      }
    }
    throw new Error('It does not end.');
  },

  async structured(target, prompt) {
    const ask = (method: 'jsonSchema' | 'functionCalling') =>
      modelOf(target).withStructuredOutput(PLACE_SCHEMA, { method }).invoke(messagesOf(prompt));
    const object = await ask('jsonSchema');
    expect(await ask('functionCalling')).toEqual(object);
    return object;
  },

  async expectError(target, { isStreamed }, expected) {
    const prompt = { text: 'Count' };
    const error = await raisedBy(
      isStreamed ? this.stream(target, prompt, { isUsageAsked: true }) : this.chat(target, prompt),
    );
    expectApiError(OpenAI, error, expected);
  },

  async abortMidStream(target, prompt) {
    const leave = new AbortController();
    const stream = await modelOf(target).stream(messagesOf(prompt), { signal: leave.signal });
    let first = '';
    try {
      for await (const { text } of stream) {
        if (first === '') first = text;
        if (first !== '') leave.abort();
      }
    } catch (error) {
      if (!leave.signal.aborted) throw error;
    }
    return first;
  },
};

type Answer = Awaited<ReturnType<ChatOpenAI['invoke']>>;

async function joined(stream: AsyncIterable<Answer>): Promise<Answer> {
  let whole: Answer | undefined;
  for await (const chunk of stream) whole = whole?.concat(chunk) ?? chunk;
  if (whole === undefined) throw new Error('The stream was empty.');
  return whole;
}
