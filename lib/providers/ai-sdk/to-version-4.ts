import type { ProviderCall } from '../provider-adapter.js';
import { objectOf } from '../json-reading.js';
import type { AiSdkCallOptions } from './to-ai-sdk-call-options.js';

/** A file as version 4 has it: its bytes, or where they are. */
type FileData =
  { readonly type: 'data'; readonly data: string } | { readonly type: 'url'; readonly url: URL };

/** The words of version 4 for how much a model is to think. */
const EFFORTS: ReadonlySet<string> = new Set(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']);

/** Call options of version 4: what they hold is told by {@link toVersion4}. */
export type Version4CallOptions = Omit<AiSdkCallOptions, 'prompt'> & {
  readonly prompt: readonly object[];
  readonly reasoning?: string;
};

/**
 * Call options of version 3 as version 4 of the specification has them (AI SDK 7, `@ai-sdk/provider` 4): files are tagged
 * with what they are, in prompts and in tools' results, and how much to think is an option of its own.
 *
 * Nothing is lost.
 */
export function toVersion4(options: AiSdkCallOptions, call: ProviderCall): Version4CallOptions {
  const effort = call.reasoning ? (call.request.reasoning_effort ?? undefined) : undefined;
  return {
    ...options,
    prompt: options.prompt.map((message) =>
      typeof message.content === 'string'
        ? message
        : { ...message, content: message.content.map((part) => toPart(part)) },
    ),
    ...(effort !== undefined && EFFORTS.has(effort) ? { reasoning: effort } : {}),
  };
}

function toPart(part: object): object {
  if (!('type' in part)) return part;
  if (part.type === 'file' && 'data' in part) return { ...part, data: toFileData(part.data) };
  const output = part.type === 'tool-result' && 'output' in part ? objectOf(part.output) : undefined;
  if (output?.type !== 'content' || !Array.isArray(output.value)) return part;
  return { ...part, output: { ...output, value: output.value.map((entry: unknown) => toResultPart(entry)) } };
}

/** Pictures and other files have one name in the results of tools. */
function toResultPart(entry: unknown): unknown {
  const part = objectOf(entry);
  switch (part?.type) {
    case 'image-data':
    case 'file-data':
      return { ...part, type: 'file', data: toFileData(part.data) };
    case 'image-url': {
      const { url, ...rest } = part;
      return { ...rest, type: 'file', mediaType: 'image/*', data: toFileData(new URL(String(url))) };
    }
    default:
      return entry;
  }
}

function toFileData(data: unknown): FileData {
  return data instanceof URL ? { type: 'url', url: data } : { type: 'data', data: String(data) };
}
