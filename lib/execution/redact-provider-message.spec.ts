import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ValidatedChatRequest } from '../chat/index.js';
import { redactProviderMessage } from './redact-provider-message.js';

function requestWith(...contents: string[]): ValidatedChatRequest {
  return {
    model: 'gpt-4o-mini',
    stream: false,
    messages: contents.map((content) => ({ role: 'user', content })),
  } as unknown as ValidatedChatRequest;
}

const word = fc.stringMatching(/^[a-zA-ZäöüßéñЖдя日本語한]{6,20}$/);
const glue = fc.constantFrom(
  ' ',
  '.',
  ',',
  '"',
  "'",
  '\\n',
  '\\"',
  ': ',
  '(',
  ')',
  '-',
  '_',
  '…',
  '\n',
  '@',
  '=',
  '+',
);
/** As it is, shouted, escaped as JSON does it, or composed another way. */
const distort = fc.constantFrom(
  (text: string) => text,
  (text: string) => text.toUpperCase(),
  (text: string) => text.normalize('NFD'),
  (text: string) => `n${text}`,
  (text: string) => `${text}s`,
);

describe('redactProviderMessage', () => {
  it('lets no word of six letters or more out of the prompt, whatever stands beside it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(word, glue, glue, distort), { minLength: 1, maxLength: 8 }),
        glue,
        (parts, separator) => {
          const request = requestWith(parts.map(([text]) => text).join(separator));
          const message = parts
            .map(([text, before, after, change]) => `${before}${change(text)}${after}`)
            .join('Oh ');
          const shown = redactProviderMessage(message, request).normalize('NFKC').toLowerCase();
          for (const [text] of parts) expect(shown).not.toContain(text.normalize('NFKC').toLowerCase());
        },
      ),
      { numRuns: 500 },
    );
  });

  it('lets no number of the prompt out, however short', () => {
    fc.assert(
      fc.property(fc.integer({ min: 10, max: 99_999 }), glue, (number, after) => {
        const shown = redactProviderMessage(`Refused ${number}${after}`, requestWith(`My PIN is ${number}.`));
        expect(shown).not.toContain(String(number));
      }),
    );
  });

  it('lets no piece of six characters of a secret out', () => {
    const key = 'Zq8vXw2LmN4pRt6y';
    fc.assert(
      fc.property(fc.nat(key.length - 6), fc.integer({ min: 6, max: key.length }), (start, length) => {
        const piece = key.slice(start, start + length);
        const shown = redactProviderMessage(`The header was x${piece}... here`, requestWith('Hello'), [key]);
        expect(shown).not.toContain(piece);
      }),
    );
  });

  it.each(['sk-proj-abcdef123456', 'Bearer abcdef123456', 'AIzaSyAbcdef123456', 'key-9999aaaa'])(
    'takes out what looks like a key: %s',
    (secret) => {
      expect(redactProviderMessage(`You sent ${secret}.`, requestWith('Hello'))).not.toContain(
        secret.slice(-8),
      );
    },
  );

  it("keeps the provider's own wording", () => {
    const sentence = "Invalid 'temperature': must be at most 2 for gpt-4o-mini.";
    expect(redactProviderMessage(sentence, requestWith('What is the capital of France?'))).toBe(sentence);
  });

  it('looks at tools, arguments, images and every other text the caller sent', () => {
    const request = {
      model: 'gpt-4o-mini',
      messages: [
        {
          role: 'user',
          content: [{ type: 'image_url', image_url: { url: 'https://host.example/Imagecanary.png' } }],
        },
        {
          role: 'assistant',
          tool_calls: [
            { id: 'a', type: 'function', function: { name: 'f', arguments: '{"q":"Argumentcanary"}' } },
          ],
        },
      ],
      stop: ['Stopcanary'],
      prediction: { type: 'content', content: 'Predictioncanary' },
      tools: [{ type: 'function', function: { name: 'Toolcanary', parameters: { enum: ['Enumcanary'] } } }],
    } as unknown as ValidatedChatRequest;
    const shown = redactProviderMessage(
      'Bad Imagecanary.png Argumentcanary, Stopcanary; Predictioncanary Toolcanary "Enumcanary"',
      request,
    );
    expect(shown).not.toMatch(/canary/i);
    expect(shown).toContain('Bad');
  });

  it('gives a sentence of its own for a prompt too large to be compared', () => {
    expect(redactProviderMessage('Secretword', requestWith('x'.repeat(1_000_001)))).toBe(
      'The provider refused the request.',
    );
  });

  it('is short, and quick on the largest prompt it compares', () => {
    const request = requestWith('lorem ipsum '.repeat(80_000));
    const startedAt = performance.now();
    const shown = redactProviderMessage('abcdefghij '.repeat(1_000), request);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    expect(shown.length).toBeLessThanOrEqual(300);
  });
});
