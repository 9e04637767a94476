import {
  Agent,
  type AgentInputItem,
  OpenAIChatCompletionsModel,
  Runner,
  setTracingDisabled,
  tool,
} from '@openai/agents';
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

function settingsOf({ baseUrl, apiKey, model, maxRetries, temperature }: ClientTarget) {
  return {
    name: 'Guide',
    instructions: 'Be kind.',
    model: new OpenAIChatCompletionsModel(new OpenAI({ baseURL: baseUrl, apiKey, maxRetries }), model),
    ...(temperature === undefined ? {} : { modelSettings: { temperature } }),
  };
}

const inputOf = ({ text, image }: ClientPrompt): string | AgentInputItem[] =>
  image === undefined
    ? text
    : [
        {
          role: 'user',
          content: [
            { type: 'input_text', text },
            { type: 'input_image', image },
          ],
        },
      ];

function runner(): Runner {
  // Traces go to OpenAI.
  setTracingDisabled(true);
  return new Runner({ tracingDisabled: true });
}

const usageOf = ({
  inputTokens,
  outputTokens,
}: {
  inputTokens: number;
  outputTokens: number;
}): ClientAnswer['usage'] => ({ prompt: inputTokens, completion: outputTokens });

/** OpenAI's agents, by chat completions. They keep no finish reason. */
export const agentsDriver: ClientDriver = {
  name: '@openai/agents',
  heedsShouldRetry: true,
  mayLeaveUsageOut: false,

  async chat(target, prompt) {
    const result = await runner().run(new Agent(settingsOf(target)), inputOf(prompt));
    return {
      text: result.finalOutput ?? '',
      finish: undefined,
      usage: usageOf(result.state.usage),
    };
  },

  async stream(target, prompt) {
    const result = await runner().run(new Agent(settingsOf(target)), inputOf(prompt), { stream: true });
    let text = '';
    for await (const piece of result.toTextStream()) text += piece;
    await result.completed;
    expect(result.finalOutput).toBe(text);
    return { text, finish: undefined, usage: usageOf(result.state.usage) };
  },

  async toolLoop(target, prompt, { isStreamed }) {
    const runs: ClientToolRun[] = [];
    const weather = tool({
      name: WEATHER.name,
      description: WEATHER.description,
      parameters: CITY_SCHEMA,
      execute: (input) => {
        runs.push({ name: WEATHER.name, arguments: input });
        return WEATHER.run(input.city);
      },
    });
    const clock = tool({
      name: CLOCK.name,
      description: CLOCK.description,
      parameters: NO_ARGUMENTS_SCHEMA,
      execute: (input) => {
        runs.push({ name: CLOCK.name, arguments: input });
        return CLOCK.run();
      },
    });
    const agent = new Agent({ ...settingsOf(target), tools: [weather, clock] });
    if (!isStreamed) {
      const result = await runner().run(agent, inputOf(prompt));
      return { text: result.finalOutput ?? '', runs };
    }
    const result = await runner().run(agent, inputOf(prompt), { stream: true });
    await result.completed;
    return { text: result.finalOutput ?? '', runs };
  },

  async structured(target, prompt) {
    const agent = new Agent({ ...settingsOf(target), outputType: PLACE_SCHEMA });
    return (await runner().run(agent, inputOf(prompt))).finalOutput;
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
    const result = await runner().run(new Agent(settingsOf(target)), inputOf(prompt), {
      stream: true,
      signal: leave.signal,
    });
    let first = '';
    for await (const piece of result.toTextStream()) {
      if (first === '') first = piece;
      if (first !== '') leave.abort();
    }
    await result.completed.catch((error: unknown) => {
      if (!leave.signal.aborted) throw error;
    });
    return first;
  },
};
