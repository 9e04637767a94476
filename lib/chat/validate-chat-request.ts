import { InvalidRequestError } from '../errors/invalid-request-error.js';
import { type ChatLimits, DEFAULT_CHAT_LIMITS } from './chat-limits.js';
import type { ValidatedChatRequest } from './chat-types.js';
import { checkDepth } from './check-depth.js';

type Json = Record<string, unknown>;

const ROLES: ReadonlySet<unknown> = new Set(['system', 'developer', 'user', 'assistant', 'tool', 'function']);

const PART_FIELDS: ReadonlyMap<unknown, string> = new Map([
  ['text', 'text'],
  ['refusal', 'refusal'],
  ['image_url', 'image_url'],
  ['input_audio', 'input_audio'],
  ['file', 'file'],
]);

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fail(param: string, expectation: string): never {
  throw new InvalidRequestError(`\`${param}\` ${expectation}.`, param);
}

function optional(
  request: Json,
  field: string,
  check: (value: unknown) => boolean,
  expectation: string,
): void {
  const value = request[field];
  if (isGiven(value) && !check(value)) fail(field, expectation);
}

const isGiven = (value: unknown): boolean => value !== undefined && value !== null;
const isString = (value: unknown): value is string => typeof value === 'string';
const isStrings = (value: unknown): boolean => Array.isArray(value) && value.every(isString);
const isFlag = (value: unknown): boolean => typeof value === 'boolean';
const isWhole =
  (minimum: number, maximum = Number.MAX_SAFE_INTEGER) =>
  (value: unknown): boolean =>
    Number.isSafeInteger(value) && Number(value) >= minimum && Number(value) <= maximum;
const isBetween =
  (minimum: number, maximum: number) =>
  (value: unknown): boolean =>
    typeof value === 'number' && value >= minimum && value <= maximum;

function checkContentPart(part: unknown, path: string): void {
  if (!isObject(part)) fail(path, 'must be an object');
  const field = PART_FIELDS.get(part.type);
  if (field === undefined) {
    fail(
      `${path}.type`,
      `must be one of ${[...PART_FIELDS.keys()].map((type) => `"${String(type)}"`).join(', ')}`,
    );
  }
  const value = part[field];
  if (field === 'text' || field === 'refusal') {
    if (!isString(value)) fail(`${path}.${field}`, 'must be a string');
    return;
  }
  if (!isObject(value)) fail(`${path}.${field}`, 'must be an object');
  if (field === 'image_url' && !isString(value.url)) fail(`${path}.image_url.url`, 'must be a string');
  if (field === 'file') {
    for (const name of ['file_data', 'file_id', 'filename']) {
      if (isGiven(value[name]) && !isString(value[name])) fail(`${path}.file.${name}`, 'must be a string');
    }
  }
  if (field === 'input_audio' && !(isString(value.data) && isString(value.format))) {
    fail(`${path}.input_audio`, 'must have the strings `data` and `format`');
  }
}

function checkContent(message: Json, path: string, mayBeEmpty: boolean): void {
  const content = message.content;
  if (content === undefined || content === null) {
    if (!mayBeEmpty) fail(`${path}.content`, 'is required: a string or a list of parts');
    return;
  }
  if (isString(content)) return;
  if (!Array.isArray(content)) fail(`${path}.content`, 'must be a string or a list of parts');
  content.forEach((part, index) => {
    checkContentPart(part, `${path}.content[${index}]`);
  });
}

function checkToolCall(call: unknown, path: string): void {
  if (!isObject(call)) fail(path, 'must be an object');
  if (!isString(call.id)) fail(`${path}.id`, 'must be a string');
  const field = call.type === 'custom' ? 'custom' : 'function';
  const callee = call[field];
  if (!isObject(callee) || !isString(callee.name)) fail(`${path}.${field}.name`, 'must be a string');
  const input = field === 'custom' ? 'input' : 'arguments';
  if (!isString(callee[input])) {
    fail(`${path}.${field}.${input}`, field === 'custom' ? 'must be a string' : 'must be a string of JSON');
  }
}

function checkMessage(message: unknown, path: string): void {
  if (!isObject(message)) fail(path, 'must be an object');
  const role = message.role;
  if (!ROLES.has(role)) {
    fail(`${path}.role`, `must be one of ${[...ROLES].map((name) => `"${String(name)}"`).join(', ')}`);
  }
  const calls = message.tool_calls;
  if (calls !== undefined && calls !== null) {
    if (role !== 'assistant') fail(`${path}.tool_calls`, 'may stand on assistant messages only');
    if (!Array.isArray(calls)) fail(`${path}.tool_calls`, 'must be a list');
    calls.forEach((call, index) => {
      checkToolCall(call, `${path}.tool_calls[${index}]`);
    });
  }
  if (role === 'tool' && !isString(message.tool_call_id)) {
    fail(`${path}.tool_call_id`, 'must be the id of the tool call that it answers');
  }
  if (isGiven(message.refusal) && !isString(message.refusal)) fail(`${path}.refusal`, 'must be a string');
  const called = message.function_call;
  if (isGiven(called)) {
    if (!isObject(called) || !isString(called.name)) fail(`${path}.function_call.name`, 'must be a string');
    if (!isString(called.arguments)) fail(`${path}.function_call.arguments`, 'must be a string of JSON');
  }
  const saysOtherwise =
    role === 'assistant' &&
    (Array.isArray(calls) ||
      isObject(message.function_call) ||
      isObject(message.audio) ||
      isString(message.refusal));
  checkContent(message, path, saysOtherwise || role === 'function');
}

function checkTool(tool: unknown, path: string): void {
  if (!isObject(tool)) fail(path, 'must be an object');
  const type = tool.type;
  if (type !== 'function' && type !== 'custom') fail(`${path}.type`, 'must be "function" or "custom"');
  const definition = tool[type];
  if (!isObject(definition)) fail(`${path}.${type}`, 'must be an object');
  if (!isString(definition.name) || definition.name === '') {
    fail(`${path}.${type}.name`, 'must be a non-empty string');
  }
  if (type === 'function' && isGiven(definition.parameters) && !isObject(definition.parameters)) {
    fail(`${path}.function.parameters`, 'must be a JSON Schema object');
  }
}

function checkToolChoice(value: unknown): void {
  if (!isGiven(value) || value === 'none' || value === 'auto' || value === 'required') return;
  if (!isObject(value) || !isString(value.type)) {
    fail('tool_choice', 'must be "none", "auto", "required" or an object with `type`');
  }
  const { type } = value;
  if (type === 'function' || type === 'custom') {
    const named = value[type];
    if (!isObject(named) || !isString(named.name)) fail(`tool_choice.${type}.name`, 'must be a string');
  } else if (type === 'allowed_tools') {
    const allowed = value.allowed_tools;
    if (!isObject(allowed)) fail('tool_choice.allowed_tools', 'must be an object');
    if (allowed.mode !== 'auto' && allowed.mode !== 'required') {
      fail('tool_choice.allowed_tools.mode', 'must be "auto" or "required"');
    }
    if (!Array.isArray(allowed.tools) || !allowed.tools.every(isObject)) {
      fail('tool_choice.allowed_tools.tools', 'must be a list of objects');
    }
  }
}

function checkResponseFormat(format: unknown): void {
  if (!isGiven(format)) return;
  if (!isObject(format) || !isString(format.type)) fail('response_format', 'must be an object with `type`');
  if (format.type === 'json_object' && isGiven(format.schema) && !isObject(format.schema)) {
    fail('response_format.schema', 'must be a JSON Schema object');
  }
  if (format.type !== 'json_schema') return;
  const definition = format.json_schema;
  if (!isObject(definition)) fail('response_format.json_schema', 'must be an object');
  if (!isString(definition.name)) fail('response_format.json_schema.name', 'must be a string');
  if (isGiven(definition.schema) && !isObject(definition.schema)) {
    fail('response_format.json_schema.schema', 'must be a JSON Schema object');
  }
}

/**
 * A schema in the form of instructor and several hosts, `{ type: "json_object", schema }`, as OpenAI has it: from here
 * on there is one form to plan by and to translate, and OpenAI itself takes it. `strict` is not claimed: it asks more
 * of a schema than this client has promised.
 */
function withOneSchemaForm(request: Json): Json {
  const format = request.response_format;
  if (!isObject(format) || format.type !== 'json_object' || !isObject(format.schema)) return request;
  const json_schema = { name: 'answer', schema: format.schema };
  return { ...request, response_format: { type: 'json_schema', json_schema } };
}

/** Some clients leave out the type of a tool call, as Mistral's answers do: it is a function's. */
function withToolCallTypes(messages: readonly unknown[]): readonly unknown[] {
  const isUntyped = (call: unknown): boolean => isObject(call) && (!isGiven(call.type) || call.type === '');
  return messages.map((message) =>
    isObject(message) && Array.isArray(message.tool_calls) && message.tool_calls.some(isUntyped)
      ? {
          ...message,
          tool_calls: message.tool_calls.map((call: unknown) =>
            isObject(call) && isUntyped(call) ? { ...call, type: 'function' } : call,
          ),
        }
      : message,
  );
}

/**
 * The one validation of a chat request, the same for HTTP and for injected callers. Unknown extra fields pass: an
 * OpenAI-shaped upstream may know them. `null` counts as absent, as OpenAI has it.
 *
 * @throws {@link InvalidRequestError} naming the field.
 */
export function validateChatRequest(
  value: unknown,
  limits: ChatLimits = DEFAULT_CHAT_LIMITS,
): ValidatedChatRequest {
  if (!isObject(value)) throw new InvalidRequestError('The request body must be a JSON object.');
  checkDepth(value, limits.jsonDepth);

  const model = value.model;
  if (
    model !== undefined &&
    model !== null &&
    (!isString(model) || model.trim() === '' || model.length > 256)
  ) {
    fail('model', 'must be "auto", a rule\'s name or a model\'s name');
  }
  const messages = value.messages;
  if (!Array.isArray(messages)) fail('messages', 'is required: a list of messages');
  if (messages.length === 0) fail('messages', 'must not be empty');
  if (messages.length > limits.messages) fail('messages', `must have at most ${limits.messages} entries`);
  messages.forEach((message, index) => {
    checkMessage(message, `messages[${index}]`);
  });

  const functions = value.functions;
  if (Array.isArray(functions) && functions.length > limits.tools) {
    fail('functions', `must have at most ${limits.tools} entries`);
  }
  if (Array.isArray(functions)) {
    functions.forEach((entry: unknown, index) => {
      if (!isObject(entry) || !isString(entry.name)) fail(`functions[${index}].name`, 'must be a string');
    });
  }
  const tools = value.tools;
  if (tools !== undefined && tools !== null) {
    if (!Array.isArray(tools)) fail('tools', 'must be a list');
    if (tools.length > limits.tools) fail('tools', `must have at most ${limits.tools} entries`);
    tools.forEach((tool, index) => {
      checkTool(tool, `tools[${index}]`);
    });
  }
  checkToolChoice(value.tool_choice);
  optional(value, 'n', isWhole(1, limits.choices), `must be a whole number from 1 to ${limits.choices}`);
  optional(value, 'max_tokens', isWhole(1), 'must be a whole number of at least 1');
  optional(value, 'max_completion_tokens', isWhole(1), 'must be a whole number of at least 1');
  optional(value, 'temperature', isBetween(0, 2), 'must be a number from 0 to 2');
  optional(value, 'top_p', isBetween(0, 1), 'must be a number from 0 to 1');
  optional(value, 'presence_penalty', isBetween(-2, 2), 'must be a number from -2 to 2');
  optional(value, 'frequency_penalty', isBetween(-2, 2), 'must be a number from -2 to 2');
  optional(value, 'seed', (seed) => Number.isSafeInteger(seed), 'must be a whole number');
  optional(value, 'stream', isFlag, 'must be true or false');
  optional(value, 'stream_options', isObject, 'must be an object');
  const { stream_options: streamOptions } = value;
  if (
    isObject(streamOptions) &&
    isGiven(streamOptions.include_usage) &&
    !isFlag(streamOptions.include_usage)
  ) {
    fail('stream_options.include_usage', 'must be true or false');
  }
  optional(value, 'logprobs', isFlag, 'must be true or false');
  optional(value, 'top_logprobs', isWhole(0, 20), 'must be a whole number from 0 to 20');
  optional(value, 'parallel_tool_calls', isFlag, 'must be true or false');
  optional(value, 'store', isFlag, 'must be true or false');
  optional(value, 'user', isString, 'must be a string');
  optional(value, 'reasoning_effort', isString, 'must be a string');
  optional(
    value,
    'stop',
    (stop) => isString(stop) || (Array.isArray(stop) && stop.length <= 16 && stop.every(isString)),
    'must be a string or a list of strings',
  );
  checkResponseFormat(value.response_format);
  optional(value, 'modalities', isStrings, 'must be a list of strings');
  optional(value, 'logit_bias', isObject, 'must be an object');
  optional(value, 'metadata', isObject, 'must be an object');
  optional(value, 'web_search_options', isObject, 'must be an object');
  optional(value, 'functions', Array.isArray, 'must be a list');
  optional(value, 'safety_identifier', isString, 'must be a string');

  // The checks above are what makes this true.
  return {
    ...withOneSchemaForm(value),
    messages: withToolCallTypes(messages),
    model: isString(model) ? model : 'auto',
  } as unknown as ValidatedChatRequest;
}
