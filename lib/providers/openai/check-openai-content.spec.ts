import { describe, expect, it } from 'vitest';
import type { ChatCompletionMessageParam } from '../../chat/chat-types.js';
import { InvalidRequestError } from '../../errors/invalid-request-error.js';
import { checkOpenAiContent } from './check-openai-content.js';

const image = (url: string): object => ({ type: 'image_url', image_url: { url } });
const HEIC = image('data:image/heic;base64,AAAA');
const PNG = image('data:image/png;base64,AAAA');

/** Where OpenAI and a compatible server see a fault. */
function faultsOf(role: string, part: object): (string | undefined)[] {
  const messages = [{ role, content: [{ type: 'text', text: 'x' }, part] }] as ChatCompletionMessageParam[];
  return [false, true].map((isCompatible) => {
    try {
      checkOpenAiContent(messages, { isCompatible });
      return undefined;
    } catch (error) {
      return (error as InvalidRequestError).param;
    }
  });
}

const HERE = 'messages[0].content[1]';

describe('checkOpenAiContent', () => {
  it.each([
    ['a picture', 'user', PNG, [undefined, undefined]],
    ['a picture by address', 'user', image('http://example.com/a'), [undefined, undefined]],
    ['a picture that only others read', 'user', HEIC, [HERE, undefined]],
    ['an id of its own', 'user', image('ms://file-1'), [HERE, undefined]],
    ['a file of its disk', 'user', image('file:///data/a.png'), [HERE, undefined]],
    ['bare base64', 'user', image('iVBORw0KGgo='), [HERE, undefined]],
    ['a film', 'user', image('data:video/mp4;base64,AAAA'), [HERE, undefined]],
    ['a document', 'user', image('data:application/pdf;base64,JVBE'), [HERE, undefined]],
    ['half a film', 'user', image('data:video/mp4;base64,AAAAA'), [HERE, HERE]],
    [
      'sound by address',
      'user',
      { type: 'input_audio', input_audio: { format: 'wav', data: 'https://example.com/a.wav' } },
      [HERE, undefined],
    ],
    ['broken base64', 'user', image('data:image/png;base64,?'), [HERE, HERE]],
    [
      'a broken file',
      'user',
      { type: 'file', file: { file_data: 'data:application/pdf;base64,?' } },
      [HERE, HERE],
    ],
    ['a file by id', 'user', { type: 'file', file: { file_id: 'file-1' } }, [undefined, undefined]],
    [
      'sound',
      'user',
      { type: 'input_audio', input_audio: { format: 'wav', data: 'AAAA' } },
      [undefined, undefined],
    ],
    [
      'broken sound',
      'user',
      { type: 'input_audio', input_audio: { format: 'wav', data: '?' } },
      [HERE, HERE],
    ],
    ['a picture in a system message', 'system', PNG, [HERE, undefined]],
    ['a picture of a tool', 'tool', PNG, [HERE, undefined]],
  ])('%s in a %s message', (_name, role, part, expected) => {
    expect(faultsOf(role, part)).toEqual(expected);
  });
});
