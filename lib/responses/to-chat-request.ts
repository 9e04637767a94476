import { type ChatLimits, type ChatRequest, checkDepth, DEFAULT_CHAT_LIMITS } from '../chat/index.js';
import { InvalidRequestError } from '../errors/invalid-request-error.js';
import { isGiven, isJsonObject, type JsonObject } from './json-reading.js';
import { asksFor } from './asks-for.js';
import { optionalField, refuse, requireObject, requireString } from './require-field.js';
import { type RecallItem, toChatMessages } from './to-chat-messages.js';
import { toChatToolChoice, toChatTools } from './to-chat-tools.js';

const isString = (value: unknown): value is string => typeof value === 'string';
const isFlag = (value: unknown): value is boolean => typeof value === 'boolean';
const isWhole =
  (minimum: number, maximum = Number.MAX_SAFE_INTEGER) =>
  (value: unknown): value is number =>
    Number.isSafeInteger(value) && Number(value) >= minimum && Number(value) <= maximum;
const isBetween =
  (minimum: number, maximum: number) =>
  (value: unknown): value is number =>
    typeof value === 'number' && value >= minimum && value <= maximum;

/** What only a service that keeps conversations can do, and what to do instead. */
const STATEFUL_FIELDS: readonly (readonly [string, string])[] = [
  ['previous_response_id', 'send the whole conversation in `input`'],
  ['conversation', 'send the whole conversation in `input`'],
  ['prompt', 'send the text in `instructions` and `input`'],
];

/** Fields that mean the same in both APIs and are handed on as they are. */
const SAME_FIELDS = [
  'user',
  'safety_identifier',
  'prompt_cache_key',
  'prompt_cache_retention',
  'service_tier',
];

/**
 * A request of OpenAI's Responses API as a chat request, for `RequestPipeline`. The router is stateless: what names
 * stored responses, conversations or prompts, and `background: true`, is refused.
 *
 * Source: OpenAI API reference, "Create a model response" (`POST /v1/responses`) and "Create chat completion".
 *
 * Lost in silence: `truncation`, `max_tool_calls`, `context_management`, `reasoning.summary` (thinking is told wherever
 * a provider tells it), `stream_options`, `include` but for its two entries on reasoning and log probabilities; and
 * `metadata` where `store` is not true, as chat completions refuse it then. It stands in the answer all the same.
 * Fields that the API does not have are not handed on.
 *
 * @param limits - Held here, where the fields still have the names that the client gave them.
 * @param recall - Gives an output item of an earlier answer by its id: the AI SDK refers to them by default.
 * @throws {@link InvalidRequestError} naming the field; nothing else, whatever the body is.
 */
export function toChatRequest(
  body: unknown,
  limits: ChatLimits = DEFAULT_CHAT_LIMITS,
  recall?: RecallItem,
): ChatRequest {
  if (!isJsonObject(body)) throw new InvalidRequestError('The request body must be a JSON object.');
  // The answer repeats fields that no chat request has. The input is looked through with the chat request.
  checkDepth({ ...body, input: undefined }, limits.jsonDepth);
  refuseStatefulFields(body);
  const stream = optionalField(body.stream, 'stream', isFlag, 'must be true or false') ?? false;
  const instructions = optionalField(body.instructions, 'instructions', isString, 'must be a string');
  const messages = toChatMessages(instructions, body.input, recall);
  if (messages.length > limits.messages) {
    refuse('input', `must have at most ${limits.messages} messages`);
  }
  optionalField(body.max_tool_calls, 'max_tool_calls', isWhole(0), 'must be a whole number');
  const request: Record<string, unknown> = {
    ...(isGiven(body.model) ? { model: body.model } : {}),
    messages,
    ...toolFields(body),
    ...textFields(body.text),
    ...samplingFields(body),
    ...logprobFields(body),
    ...storageFields(body),
    stream,
    // The last event of a stream has the usage in it.
    ...(stream ? { stream_options: { include_usage: true } } : {}),
  };
  const { reasoning } = body;
  if (isGiven(reasoning)) {
    const { effort } = requireObject(reasoning, 'reasoning');
    if (isGiven(effort)) request.reasoning_effort = requireString(effort, 'reasoning.effort');
  }
  for (const name of SAME_FIELDS) {
    if (isGiven(body[name])) request[name] = requireString(body[name], name);
  }
  // Every field has been looked at above, or is by the pipeline's own validation.
  return request as unknown as ChatRequest;
}

function refuseStatefulFields(body: JsonObject): void {
  for (const [name, instead] of STATEFUL_FIELDS) {
    if (isGiven(body[name])) refuse(name, `is not supported, as the router stores nothing: ${instead}`);
  }
  if (optionalField(body.background, 'background', isFlag, 'must be true or false') === true) {
    refuse('background', 'is not supported, as the router stores nothing: wait for the answer, or stream it');
  }
  if (isGiven(body.moderation)) {
    refuse('moderation', 'is not supported: the router moderates nothing; leave it out');
  }
}

/** OpenAI's chat completions refuse a choice of tools without tools; the Responses API does not. */
function toolFields(body: JsonObject): JsonObject {
  const tools = toChatTools(body.tools);
  const choice = toChatToolChoice(body.tool_choice);
  const parallel = optionalField(
    body.parallel_tool_calls,
    'parallel_tool_calls',
    isFlag,
    'must be true or false',
  );
  if (tools.length === 0) {
    if (choice !== undefined && choice !== 'auto' && choice !== 'none') {
      refuse('tool_choice', 'asks for a tool, and there is none in `tools`');
    }
    return {};
  }
  return {
    tools,
    ...(choice === undefined ? {} : { tool_choice: choice }),
    ...(parallel === undefined ? {} : { parallel_tool_calls: parallel }),
  };
}

function textFields(value: unknown): JsonObject {
  if (!isGiven(value)) return {};
  const text = requireObject(value, 'text');
  const verbosity = optionalField(text.verbosity, 'text.verbosity', isString, 'must be a string');
  const format = isGiven(text.format)
    ? toResponseFormat(requireObject(text.format, 'text.format'))
    : undefined;
  return {
    ...(verbosity === undefined ? {} : { verbosity }),
    ...(format === undefined ? {} : { response_format: format }),
  };
}

function toResponseFormat(format: JsonObject): JsonObject | undefined {
  const { type, name, schema, description, strict } = format;
  if (type === 'text') return undefined;
  if (type === 'json_object') return { type };
  if (type !== 'json_schema') {
    refuse('text.format.type', 'must be "text", "json_object" or "json_schema"');
  }
  return {
    type,
    json_schema: {
      name: requireString(name, 'text.format.name'),
      schema: requireObject(schema, 'text.format.schema'),
      ...(isGiven(description) ? { description: requireString(description, 'text.format.description') } : {}),
      ...(isGiven(strict)
        ? { strict: optionalField(strict, 'text.format.strict', isFlag, 'must be true or false') }
        : {}),
    },
  };
}

function samplingFields(body: JsonObject): JsonObject {
  const limit = optionalField(
    body.max_output_tokens,
    'max_output_tokens',
    isWhole(1),
    'must be a whole number of at least 1',
  );
  const temperature = optionalField(
    body.temperature,
    'temperature',
    isBetween(0, 2),
    'must be a number from 0 to 2',
  );
  const topP = optionalField(body.top_p, 'top_p', isBetween(0, 1), 'must be a number from 0 to 1');
  return {
    ...(limit === undefined ? {} : { max_completion_tokens: limit }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { top_p: topP }),
  };
}

function logprobFields(body: JsonObject): JsonObject {
  const { include } = body;
  if (isGiven(include) && !(Array.isArray(include) && include.every(isString))) {
    refuse('include', 'must be a list of strings');
  }
  const top = optionalField(
    body.top_logprobs,
    'top_logprobs',
    isWhole(0, 20),
    'must be a whole number from 0 to 20',
  );
  if (!asksFor(body, 'message.output_text.logprobs')) return {};
  return { logprobs: true, ...(top === undefined ? {} : { top_logprobs: top }) };
}

function storageFields(body: JsonObject): JsonObject {
  const store = optionalField(body.store, 'store', isFlag, 'must be true or false');
  const metadata = optionalField(body.metadata, 'metadata', isMetadata, 'must be an object of strings');
  return {
    ...(store === undefined ? {} : { store }),
    ...(store === true && metadata !== undefined ? { metadata } : {}),
  };
}

function isMetadata(value: unknown): value is JsonObject {
  return isJsonObject(value) && Object.values(value).every(isString);
}
