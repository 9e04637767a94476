import type { UpstreamRequest } from 'nestjs-llm-router/testing';

type Json = Readonly<Record<string, unknown>>;

/** A tool call of the conversation with the result that the upstream sees under it. */
export interface UpstreamExchange {
  readonly name: string;
  readonly arguments: unknown;
  /** Undefined: unanswered. */
  readonly result: string | undefined;
}

/** A picture as bytes, the same on every wire. */
export interface UpstreamImage {
  readonly mediaType: string;
  readonly base64: string;
}

const listOf = (value: unknown): readonly Json[] => (Array.isArray(value) ? (value as Json[]) : []);
const objectOf = (value: unknown): Json => (value ?? {}) as Json;

/** Every call of a conversation in its order, as the upstream reads it: by id, or on Gemini's wire by place and name. */
export function exchangesOf({ api, body }: UpstreamRequest): UpstreamExchange[] {
  switch (api) {
    case 'anthropic':
      return anthropicExchanges(body);
    case 'gemini':
      return geminiExchanges(body);
    case 'openai':
    case 'azure-openai':
      return openAiExchanges(body);
  }
}

function openAiExchanges(body: Json): UpstreamExchange[] {
  const messages = listOf(body.messages);
  const results = new Map(
    messages
      .filter(({ role }) => role === 'tool')
      .map(({ tool_call_id: id, content }) => [id, textOf(content)]),
  );
  return messages
    .flatMap((message) => listOf(message.tool_calls))
    .map(({ id, function: callee }) => ({
      name: String(objectOf(callee).name),
      arguments: JSON.parse(String(objectOf(callee).arguments)) as unknown,
      result: results.get(id),
    }));
}

function anthropicExchanges(body: Json): UpstreamExchange[] {
  const blocks = listOf(body.messages).flatMap(({ content }) => listOf(content));
  const results = new Map(
    blocks
      .filter(({ type }) => type === 'tool_result')
      .map(({ tool_use_id: id, content }) => [id, textOf(content)]),
  );
  return blocks
    .filter(({ type }) => type === 'tool_use')
    .map(({ id, name, input }) => ({ name: String(name), arguments: input, result: results.get(id) }));
}

function geminiExchanges(body: Json): UpstreamExchange[] {
  const turns = listOf(body.contents).map(({ parts }) => listOf(parts));
  return turns.flatMap((parts, index) => {
    const responses = (turns[index + 1] ?? [])
      .filter((part) => 'functionResponse' in part)
      .map((part) => objectOf(part.functionResponse));
    return parts
      .filter((part) => 'functionCall' in part)
      .map((part, place) => {
        const call = objectOf(part.functionCall);
        const response = responses[place];
        const isItsOwn = response?.name === call.name && response?.id === call.id;
        const output = objectOf(response?.response);
        return {
          name: String(call.name),
          arguments: call.args,
          result: isItsOwn
            ? typeof output.output === 'string'
              ? output.output
              : JSON.stringify(output)
            : undefined,
        };
      });
  });
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  return listOf(content)
    .map(({ text }) => (typeof text === 'string' ? text : ''))
    .join('');
}

/** Every picture of the conversation. */
export function imagesOf({ api, body }: UpstreamRequest): UpstreamImage[] {
  switch (api) {
    case 'anthropic':
      return listOf(body.messages)
        .flatMap(({ content }) => listOf(content))
        .filter(({ type }) => type === 'image')
        .map(({ source }) => objectOf(source))
        .map(({ media_type: mediaType, data }) => ({ mediaType: String(mediaType), base64: String(data) }));
    case 'gemini':
      return listOf(body.contents)
        .flatMap(({ parts }) => listOf(parts))
        .filter((part) => 'inlineData' in part)
        .map(({ inlineData }) => objectOf(inlineData))
        .map(({ mimeType, data }) => ({ mediaType: String(mimeType), base64: String(data) }));
    case 'openai':
    case 'azure-openai':
      return listOf(body.messages)
        .flatMap(({ content }) => listOf(content))
        .filter(({ type }) => type === 'image_url')
        .map(({ image_url: image }) => /^data:([^;]+);base64,(.*)$/.exec(String(objectOf(image).url)))
        .map((match) => ({ mediaType: match?.[1] ?? '', base64: match?.[2] ?? '' }));
  }
}

/** How many tool results the conversation has. */
export function countResults(request: UpstreamRequest): number {
  return exchangesOf(request).filter(({ result }) => result !== undefined).length;
}
