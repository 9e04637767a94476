import type { ChatCompletion, ChatCompletionChunk, ValidatedChatRequest } from '../chat/index.js';

/**
 * Whether the client takes one tool call a turn at most (`parallel_tool_calls: false`). Several wires have no word for
 * it, and some servers that have one do not heed it: what comes behind the first call is then left out, and the model
 * asks for it again once it has the first result.
 */
export function takesOneToolCall(request: ValidatedChatRequest): boolean {
  return request.parallel_tool_calls === false;
}

/** The answer with the first call of each choice alone. */
export function withOneToolCall(completion: ChatCompletion): ChatCompletion {
  const isFit = completion.choices.every(({ message }) => (message.tool_calls ?? []).length <= 1);
  if (isFit) return completion;
  const choices = completion.choices.map((choice) => ({
    ...choice,
    message: { ...choice.message, tool_calls: choice.message.tool_calls?.slice(0, 1) },
  }));
  return { ...completion, choices };
}

/** The chunks without what is of later calls. */
export function withoutLaterToolCalls(
  chunks: readonly ChatCompletionChunk[],
): readonly ChatCompletionChunk[] {
  return chunks.flatMap((chunk) => withoutLater(chunk) ?? []);
}

/** Undefined where nothing is left of it. */
function withoutLater(chunk: ChatCompletionChunk): ChatCompletionChunk | undefined {
  const isFit = chunk.choices.every(({ delta }) =>
    (delta.tool_calls ?? []).every(({ index }) => index === 0),
  );
  if (isFit) return chunk;
  const choices = chunk.choices.map((choice) => {
    const { tool_calls: toolCalls, ...delta } = choice.delta;
    const first = toolCalls?.filter(({ index }) => index === 0) ?? [];
    return { ...choice, delta: first.length === 0 ? delta : { ...delta, tool_calls: first } };
  });
  const saysSomething = choices.some(
    ({ delta, finish_reason: finishReason }) => finishReason !== null || Object.keys(delta).length > 0,
  );
  return saysSomething ? { ...chunk, choices } : undefined;
}
