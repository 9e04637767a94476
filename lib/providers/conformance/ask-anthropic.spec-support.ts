import type { ChatRequest } from '../../chat/chat-types.js';
import { listOf, objectOf, textOf, type JsonObject } from '../json-reading.js';
import { defined, type RequestCase } from './request-case.spec-support.js';

/** The request an OpenAI client would have sent, where Anthropic's wire got this. */
export function askedOfAnthropic(body: JsonObject): RequestCase {
  const tools = listOf(body.tools)
    .map((tool) => objectOf(tool)!)
    .filter(({ type }) => type === undefined || type === 'custom')
    .map((tool) => ({
      type: 'function',
      function: defined({ name: tool.name, description: tool.description, parameters: tool.input_schema }),
      ...marksOf(tool),
    }));
  const choice = objectOf(body.tool_choice);
  const format = objectOf(body.output_format) ?? objectOf(objectOf(body.output_config)?.format);
  const system = partsOf(body.system);
  return {
    upstreamModel: String(body.model),
    stream: body.stream === true,
    request: defined({
      model: 'auto',
      messages: [
        ...(system.length > 0 ? [{ role: 'system', content: system }] : []),
        ...listOf(body.messages).flatMap((message) => messagesOf(objectOf(message)!)),
      ],
      tools: tools.length > 0 ? tools : undefined,
      tool_choice: choice === undefined || tools.length === 0 ? undefined : toolChoiceOf(choice),
      parallel_tool_calls: choice?.disable_parallel_tool_use === true ? false : undefined,
      stop: body.stop_sequences,
      temperature: body.temperature,
      top_p: body.top_p,
      max_completion_tokens: body.max_tokens,
      response_format:
        format === undefined
          ? undefined
          : { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema: format.schema } },
      user: objectOf(body.metadata)?.user_id,
    }) as ChatRequest,
  };
}

function toolChoiceOf(choice: JsonObject): unknown {
  switch (choice.type) {
    case 'any':
      return 'required';
    case 'tool':
      return { type: 'function', function: { name: choice.name } };
    default:
      return choice.type;
  }
}

const marksOf = (block: JsonObject): object =>
  block.cache_control === undefined ? {} : { cache_control: block.cache_control };

/** One turn: tool results are messages of their own, calls a field beside the text. */
function messagesOf({ role, content }: JsonObject): object[] {
  const blocks = listOf(typeof content === 'string' ? [{ type: 'text', text: content }] : content).map(
    (block) => objectOf(block)!,
  );
  if (role === 'assistant') {
    const calls = blocks.filter(({ type }) => type === 'tool_use');
    const parts = partsOf(content);
    // Nothing but blocks of Anthropic's own.
    if (calls.length === 0 && parts.length === 0) return [];
    return [
      {
        role,
        content: parts.length > 0 ? parts : null,
        ...(calls.length > 0 ? { tool_calls: calls.map(toolCallOf) } : {}),
      },
    ];
  }
  const results = blocks.filter(({ type }) => type === 'tool_result');
  const parts = partsOf(content);
  return [
    ...results.map((result) => ({
      role: 'tool',
      tool_call_id: result.tool_use_id,
      content: typeof result.content === 'string' ? result.content : partsOf(result.content),
    })),
    ...(parts.length > 0 ? [{ role, content: parts }] : []),
  ];
}

const toolCallOf = (block: JsonObject): object => ({
  id: block.id,
  type: 'function',
  function: { name: block.name, arguments: JSON.stringify(block.input) },
});

function partsOf(content: unknown): object[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  return listOf(content).flatMap((value): object[] => {
    const block = objectOf(value)!;
    const source = objectOf(block.source) ?? {};
    switch (block.type) {
      case 'text':
        return [{ type: 'text', text: block.text, ...marksOf(block) }];
      case 'image':
        return [{ type: 'image_url', image_url: { url: addressOf(source) }, ...marksOf(block) }];
      case 'document':
        return source.type === 'url'
          ? []
          : [
              {
                type: 'file',
                file: defined({ file_data: addressOf(source), filename: textOf(block.title) }),
                ...marksOf(block),
              },
            ];
      default:
        return [];
    }
  });
}

function addressOf(source: JsonObject): string {
  if (source.type === 'url') return String(source.url);
  const data = String(source.data);
  const base64 = source.type === 'text' ? Buffer.from(data).toString('base64') : data;
  return `data:${String(source.media_type)};base64,${base64}`;
}
