import { isGiven, isJsonObject, type JsonObject } from './json-reading.js';
import { refuse, requireObject, requireString } from './require-field.js';

/** Whose content it is: only a user shows pictures, files and sound; a tool shows pictures and files. */
export type ContentOwner = 'user' | 'tool' | 'text-only';

const TEXT_TYPES: ReadonlySet<unknown> = new Set(['input_text', 'output_text', 'text']);
const DETAILS: ReadonlySet<unknown> = new Set(['low', 'high', 'auto']);

/**
 * The content of an input item as a chat message's: a string stays one, and so becomes a single part of text.
 *
 * Source: OpenAI API reference, Responses, `input`: `input_text`, `input_image`, `input_file`, `input_audio`,
 * `output_text`; Chat Completions, content parts.
 *
 * Lost: annotations and log probabilities of `output_text`, cache breakpoints; the image detail `original`, which chat
 * completions do not know, becomes `high`. Refused: what stands in OpenAI's stores alone (`file_id` of an image), and
 * files by their address, which chat completions cannot name.
 *
 * @throws {@link InvalidRequestError} naming the part.
 */
export function toChatContent(
  content: unknown,
  path: string,
  owner: ContentOwner,
): string | readonly JsonObject[] {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) refuse(path, 'must be a string or a list of parts');
  const parts = content.map((part: unknown, index) => toChatPart(part, `${path}[${index}]`, owner));
  const [only] = parts;
  return parts.length === 1 && only?.type === 'text' ? String(only.text) : parts;
}

function toChatPart(value: unknown, path: string, owner: ContentOwner): JsonObject {
  const part = requireObject(value, path);
  const { type } = part;
  if (TEXT_TYPES.has(type)) return { type: 'text', text: requireString(part.text, `${path}.text`) };
  if (owner !== 'text-only') {
    if (type === 'input_image') return toImagePart(part, path);
    if (type === 'input_file') return toFilePart(part, path);
    if (type === 'input_audio' && owner === 'user') return toAudioPart(part, path);
  }
  const taken = ['input_text', 'output_text']
    .concat(owner === 'text-only' ? [] : ['input_image', 'input_file'])
    .concat(owner === 'user' ? ['input_audio'] : []);
  return refuse(`${path}.type`, `must be one of ${taken.map((name) => `"${name}"`).join(', ')} here`);
}

function toImagePart(part: JsonObject, path: string): JsonObject {
  const { image_url: url, file_id: fileId, detail } = part;
  if (isGiven(fileId)) {
    refuse(`${path}.file_id`, 'names a file of OpenAI’s store; send the image in `image_url`');
  }
  return {
    type: 'image_url',
    image_url: {
      url: requireString(url, `${path}.image_url`),
      ...(detail === 'original' ? { detail: 'high' } : DETAILS.has(detail) ? { detail } : {}),
    },
  };
}

function toFilePart(part: JsonObject, path: string): JsonObject {
  const { file_data: data, file_id: id, filename } = part;
  if (isGiven(part.file_url)) {
    refuse(`${path}.file_url`, 'is not supported: the router fetches no files; send the file in `file_data`');
  }
  if (!isGiven(data) && !isGiven(id)) refuse(`${path}.file_data`, 'is required');
  return {
    type: 'file',
    file: {
      ...(isGiven(data) ? { file_data: requireString(data, `${path}.file_data`) } : {}),
      ...(isGiven(id) ? { file_id: requireString(id, `${path}.file_id`) } : {}),
      ...(isGiven(filename) ? { filename: requireString(filename, `${path}.filename`) } : {}),
    },
  };
}

function toAudioPart(part: JsonObject, path: string): JsonObject {
  const audio = part.input_audio;
  if (!isJsonObject(audio) || typeof audio.data !== 'string' || typeof audio.format !== 'string') {
    refuse(`${path}.input_audio`, 'must have the strings `data` and `format`');
  }
  return { type: 'input_audio', input_audio: { data: audio.data, format: audio.format } };
}
