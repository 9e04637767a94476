import type {
  ResponseCustomToolCall,
  ResponseFunctionToolCallItem,
  ResponseOutputMessage,
  ResponseOutputRefusal,
  ResponseOutputText,
  ResponseReasoningItem,
} from 'openai/resources/responses/responses';

/** Where an item stands: while it streams, whole, or cut off. */
export type ItemStatus = 'in_progress' | 'completed' | 'incomplete';

export function textPart(text: string, logprobs: ResponseOutputText['logprobs'] = []): ResponseOutputText {
  return { type: 'output_text', text, annotations: [], logprobs };
}

export function refusalPart(refusal: string): ResponseOutputRefusal {
  return { type: 'refusal', refusal };
}

export function messageItem(
  id: string,
  content: ResponseOutputMessage['content'],
  status: ItemStatus,
): ResponseOutputMessage {
  return { type: 'message', id, role: 'assistant', status, content };
}

/** `encrypted` is what `reasoning.encrypted_content` asks for; without it the field is not there. */
export function reasoningItem(
  id: string,
  summary: readonly string[],
  encrypted?: string,
): ResponseReasoningItem {
  return {
    type: 'reasoning',
    id,
    summary: summary.map((text) => ({ type: 'summary_text', text })),
    ...(encrypted === undefined ? {} : { encrypted_content: encrypted }),
  };
}

/** A call of a tool, as either API has it. */
export interface ToolCall {
  readonly kind: 'function' | 'custom';
  /** Of the chat tool call; what its result is sent back under. */
  readonly callId: string;
  readonly name: string;
  /** JSON of a function's arguments, the text of a custom tool's input. */
  readonly input: string;
}

export function toolCallItem(
  id: string,
  call: ToolCall,
  status: ItemStatus,
): ResponseFunctionToolCallItem | ResponseCustomToolCall {
  const { callId: call_id, name, input } = call;
  if (call.kind === 'custom') return { type: 'custom_tool_call', id, call_id, name, input };
  return { type: 'function_call', id, call_id, name, arguments: input, status };
}
