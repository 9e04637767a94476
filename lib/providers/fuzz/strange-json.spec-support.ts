import type { Random } from './random.spec-support.js';

/** Stands in for a number that JSON can say and JavaScript cannot hold. */
const HUGE = '@@huge@@';

/** A sentence that no error may show: nothing an upstream writes is a label. */
export const CANARY = 'zq the secret sentence zq';

/** The words of all the wires, so that what is made at random is now and then understood. */
const NAMES = [
  ...['choices', 'delta', 'message', 'content', 'index', 'finish_reason', 'tool_calls', 'function', 'name'],
  ...['arguments', 'id', 'type', 'usage', 'prompt_tokens', 'completion_tokens', 'error', 'code', 'model'],
  ...['content_block', 'text', 'thinking', 'signature', 'partial_json', 'input', 'stop_reason', 'data'],
  ...['candidates', 'parts', 'functionCall', 'args', 'partialArgs', 'jsonPath', 'stringValue', 'thought'],
  ...['finishReason', 'promptFeedback', 'blockReason', 'usageMetadata', 'logprobsResult', 'willContinue'],
  ...['output', 'toolUse', 'start', 'contentBlockIndex', 'reasoningContent', 'redactedContent', 'stopReason'],
  ...['embedding', 'embeddings', 'values', 'details', 'retryDelay', 'status', 'param', 'fieldViolations'],
  ...['logprobs', 'custom', 'extra_content', 'reasoning', 'reasoning_content', 'refusal', 'x_groq'],
  ...['__proto__', 'constructor', 'prototype', 'toString', 'toJSON', 'length', 'then', ''],
] as const;

const WORDS = [
  ...['text', 'tool_use', 'thinking', 'redacted_thinking', 'text_delta', 'input_json_delta', 'error', 'stop'],
  ...['message_start', 'message_delta', 'message_stop', 'content_block_start', 'content_block_delta'],
  ...['content_block_stop', 'thinking_delta', 'signature_delta', 'finish', 'tool-call', 'text-delta'],
  ...['reasoning-start', 'reasoning-delta', 'tool-input-start', 'custom', 'function', 'length', 'STOP'],
  ...['MAX_TOKENS', 'SAFETY', 'MALFORMED_FUNCTION_CALL', 'tool_calls', 'content_filter', 'end_turn', 'AAAA'],
  ...['$.a[3].b', "$['__proto__'].x", '$[0]', '$.a[99999]', '[DONE]', '1s', '__proto__', '\u0000', '\uD800'],
] as const;

const VALUES: readonly unknown[] = [
  ...[null, true, false, 0, -1, 1, 0.5, -0, 2 ** 53, -(2 ** 53), 1e300, 4_294_967_295, 1_000_000, HUGE],
  ...['', ' ', '0', '401', '-1', '{}', '{"a":', CANARY, [], {}, [[]], [null], [{}]],
];

/** Any JSON value, not deep. */
export function strangeValue(random: Random, depth = 3): unknown {
  const kind = random.below(depth > 0 ? 10 : 6);
  switch (kind) {
    case 0:
    case 1:
      return random.pick(VALUES);
    case 2:
    case 3:
      return random.pick(WORDS);
    case 4:
      return random.below(10);
    case 5:
      return `${random.pick(WORDS)} `.repeat(1 + random.mostlySmall(40));
    case 6:
    case 7:
      return Array.from({ length: random.below(4) }, () => strangeValue(random, depth - 1));
    default:
      return Object.fromEntries(
        Array.from({ length: random.below(5) }, () => [random.pick(NAMES), strangeValue(random, depth - 1)]),
      );
  }
}

/** One value inside another, further down than anybody reads. */
export function nestedText(random: Random, depth: number): string {
  const [opening, closing] = random.pick([
    ['[', ']'],
    ['{"a":', '}'],
    ['[{"thinking":', ',"type":"thinking"}]'],
  ] as const);
  return opening.repeat(depth) + (opening === '[' ? '' : '1') + closing.repeat(depth);
}

/** A JSON text with a few of its values changed, removed, doubled or given another name; the text itself where it is none. */
export function mutateJson(random: Random, text: string): string {
  let root: { value: unknown };
  try {
    root = { value: JSON.parse(text) as unknown };
  } catch {
    return text;
  }
  for (let times = 1 + random.mostlySmall(4); times > 0; times -= 1) mutateSomewhere(random, root);
  return toText(root.value) ?? text;
}

export function toText(value: unknown): string | undefined {
  return JSON.stringify(value)?.replaceAll(`"${HUGE}"`, '1e999');
}

type Container = Record<string, unknown>;

const isContainer = (value: unknown): value is Container => typeof value === 'object' && value !== null;

function mutateSomewhere(random: Random, root: { value: unknown }): void {
  let container = root as Container;
  let name = 'value';
  // Down to the leaves most of the time: that is where the readers look.
  while (random.chance(0.85)) {
    const inner = container[name];
    if (!isContainer(inner)) break;
    const names = Object.keys(inner);
    if (names.length === 0) break;
    container = inner;
    name = random.pick(names);
  }
  const before = container[name];
  switch (random.below(8)) {
    case 0:
      if (container !== root) Reflect.deleteProperty(container, name);
      return;
    case 1:
      if (Array.isArray(container)) container.push(before);
      else define(container, random.pick(NAMES), before);
      return;
    case 2:
      define(container, name, Array.isArray(before) ? [...(before as unknown[]), ...(before as unknown[])] : [before]);
      return;
    case 3:
      define(container, name, typeof before === 'string' ? before.slice(0, random.below(before.length + 1)) : String(before));
      return;
    case 4:
      define(container, name, typeof before === 'string' ? `${before}${CANARY}` : CANARY);
      return;
    default:
      define(container, name, strangeValue(random));
  }
}

/** `__proto__` as a field like any other, as JSON.parse has it. */
function define(container: Container, name: string, value: unknown): void {
  Object.defineProperty(container, name, { value, writable: true, enumerable: true, configurable: true });
}
