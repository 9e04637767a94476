import { Ajv2020 } from 'ajv/dist/2020.js';
import type { ChatCompletion, ChatCompletionChunk } from '../../chat/chat-types.js';
import { hasShared, readShared } from './recordings.spec-support.js';

const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false, logger: false });
if (hasShared) {
  ajv.addSchema(readShared('openai-schema/openai-chat.schema.json') as object);
}

function complaints(name: string, value: unknown): string[] {
  const check = ajv.getSchema(`urn:openai-openapi:chat#/$defs/${name}`)!;
  void check(value);
  return (check.errors ?? []).map((error) => `${error.instancePath} ${error.message ?? ''}`);
}

/** OpenRouter's annotations of files stay as they are: OpenAI's schema knows those of URLs alone. */
export function complaintsOfAnswer(completion: ChatCompletion): string[] {
  return complaints('CreateChatCompletionResponse', completion).filter(
    (complaint) => !/^\/choices\/\d+\/message\/annotations\/\d+/.test(complaint),
  );
}

export function complaintsOfChunk(chunk: ChatCompletionChunk): string[] {
  return complaints('CreateChatCompletionStreamResponse', chunk);
}
