import { describe, expect, it } from 'vitest';
import { NO_NAME, plainName } from './plain-name.js';

describe('plainName', () => {
  it.each([
    'gpt-4o-2024-08-06',
    'meta-llama/Llama-3.3-70B-Instruct',
    'arn:aws:bedrock:eu-west-1::foundation-model/x.y-v1:0',
    'llama3.3:70b@q4_K+m',
  ])('takes a name: %s', (name) => {
    expect(plainName(name)).toBe(name);
  });

  it.each(['what was asked', 'a\nb', '{"role":"user"}', 'x'.repeat(129)])(
    'says of another text only that it is none: %j',
    (text) => {
      expect(plainName(text)).toBe(NO_NAME);
    },
  );

  it('says no more of one that holds a secret', () => {
    expect(plainName('of-sk-0123456789', () => ['sk-0123456789'])).toBe(NO_NAME);
    // No secret: what local servers take.
    expect(plainName('lm-studio/llama', () => ['lm-studio'])).toBe('lm-studio/llama');
  });

  it.each(['', undefined, null, 5, {}])('knows of nothing where nothing was said: %j', (value) => {
    expect(plainName(value)).toBeUndefined();
  });
});
