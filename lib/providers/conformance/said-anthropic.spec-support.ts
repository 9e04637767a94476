import { isJsonObject, listOf, objectOf, textOf, type JsonObject } from '../json-reading.js';
import { defined, joinTurns, type LeaveOut, type Turn, typeOfPicture } from './request-case.spec-support.js';

const MAIN_TOOL_FIELDS = ['type', 'name', 'description', 'input_schema', 'cache_control'];
const SAID = [
  'model',
  'messages',
  'system',
  'tools',
  'tool_choice',
  'stop_sequences',
  'temperature',
  'top_p',
  'max_tokens',
  'stream',
];

/**
 * What a body of the Messages API says, in a form in which two bodies can be compared: texts as blocks, turns of a role
 * joined, system texts together. What OpenAI's shape has no word for is named and left out.
 */
export function saidInAnthropic(body: JsonObject, leaveOut: LeaveOut): object {
  const tools = listOf(body.tools).flatMap((tool) => readTool(objectOf(tool)!, leaveOut));
  const format = objectOf(body.output_format) ?? objectOf(objectOf(body.output_config)?.format);
  const turns = listOf(body.messages).map((message): Turn => {
    const { role, content } = objectOf(message)!;
    return { role: String(role), blocks: blocksOf(content, leaveOut) };
  });
  for (const field of Object.keys(body)) {
    if (!SAID.includes(field)) leaveOutField(field, body, leaveOut);
  }
  const system = [
    ...blocksOf(body.system, leaveOut),
    ...turns.filter(({ role }) => role === 'system').flatMap(({ blocks }) => blocks),
  ];
  return defined({
    system: system.map((block) => textOf((block as JsonObject).text)).join('\n\n'),
    systemMarks: system.map((block) => (block as JsonObject).cache_control).filter(Boolean),
    turns: joinTurns(turns.filter(({ role }) => role !== 'system')),
    tools: tools.length > 0 ? tools : undefined,
    // Without a tool there is nothing to choose.
    toolChoice: tools.length > 0 ? body.tool_choice : undefined,
    stop: body.stop_sequences,
    temperature: body.temperature,
    topP: body.top_p,
    maxTokens: body.max_tokens,
    schema: withoutTitles(format?.schema),
    userId: objectOf(body.metadata)?.user_id,
    stream: body.stream ?? false,
  });
}

function leaveOutField(field: string, body: JsonObject, leaveOut: LeaveOut): void {
  if (field === 'output_config') {
    for (const name of Object.keys(objectOf(body.output_config) ?? {})) {
      if (name !== 'format') leaveOut(`anthropic output_config.${name} (thinking has tests of its own)`);
    }
  } else if (field === 'thinking') {
    leaveOut('anthropic thinking (has tests of its own)');
  } else if (field !== 'output_format' && field !== 'metadata') {
    leaveOut(`anthropic ${field}`);
  }
}

function readTool(tool: JsonObject, leaveOut: LeaveOut): object[] {
  if (tool.type !== undefined && tool.type !== 'custom') {
    leaveOut(`anthropic tool of Anthropic’s own: ${textOf(tool.type) ?? ''}`);
    return [];
  }
  for (const field of Object.keys(tool)) {
    if (!MAIN_TOOL_FIELDS.includes(field)) leaveOut(`anthropic tools[].${field}`);
  }
  const { type: _type, ...fields } = tool;
  return [
    Object.fromEntries(
      Object.entries(fields).filter(
        // An empty description describes nothing.
        ([name, value]) => MAIN_TOOL_FIELDS.includes(name) && !(name === 'description' && value === ''),
      ),
    ),
  ];
}

/** Content as blocks; blank texts say nothing. */
function blocksOf(content: unknown, leaveOut: LeaveOut): object[] {
  if (typeof content === 'string') return blocksOf([{ type: 'text', text: content }], leaveOut);
  return listOf(content).flatMap((value): object[] => {
    const block = objectOf(value)!;
    const source = objectOf(block.source);
    switch (block.type) {
      case 'text':
        return textOf(block.text)?.trim() === '' ? [] : [withoutCitations(block)];
      case 'image':
        return [
          source?.type === 'base64'
            ? {
                ...block,
                source: {
                  ...source,
                  media_type: typeOfPicture(String(source.media_type), String(source.data)),
                },
              }
            : block,
        ];
      case 'document':
        if (source?.type === 'url') {
          leaveOut('anthropic document by address');
          return [];
        }
        return [block];
      case 'tool_use':
        return [{ type: 'tool_use', id: block.id, name: block.name, input: block.input }];
      case 'tool_result': {
        if (block.is_error === true) leaveOut('anthropic tool_result.is_error');
        const inner = blocksOf(block.content, leaveOut);
        return [{ type: 'tool_result', tool_use_id: block.tool_use_id, content: inner }];
      }
      default:
        leaveOut(`anthropic block ${textOf(block.type) ?? ''}`);
        return [];
    }
  });
}

function withoutCitations({ citations: _citations, ...block }: JsonObject): JsonObject {
  return block;
}

/** Titles are left out on the way: structured outputs do not read them. */
function withoutTitles(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutTitles);
  if (!isJsonObject(schema)) return schema;
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([name, value]) => name !== 'title' || typeof value !== 'string')
      .map(([name, value]) => [name, withoutTitles(value)]),
  );
}
