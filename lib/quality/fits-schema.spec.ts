import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { validateChatRequest } from '../chat/index.js';
import type { ChatCompletion } from '../chat/index.js';
import { fitsRequest } from './fits-request.js';
import { fitsSchema } from './fits-schema.js';

describe('fitsSchema', () => {
  const person = {
    type: 'object',
    required: ['name', 'tags'],
    additionalProperties: false,
    properties: {
      name: { type: 'string', minLength: 1, maxLength: 3 },
      age: { type: ['integer', 'null'], minimum: 0, exclusiveMaximum: 150 },
      tags: { type: 'array', items: { enum: ['a', 'b'] }, maxItems: 2 },
      parent: { $ref: '#/$defs/person' },
      shape: {
        anyOf: [
          { type: 'object', required: ['kind'], properties: { kind: { const: 'circle' } } },
          { type: 'number' },
        ],
      },
    },
  };
  const schema = { ...person, $defs: { person } };

  it.each<[unknown, boolean]>([
    [{ name: 'Jo', tags: [] }, true],
    [{ name: 'Jo', tags: ['a', 'b'], age: 3 }, true],
    [{ name: 'Jo', tags: ['a'], age: null }, true],
    [{ name: '𝒜𝒜𝒜', tags: [] }, true],
    [{ name: 'Jo' }, false],
    [{ name: 'Jo', tags: ['c'] }, false],
    [{ name: 'Jo', tags: ['a', 'a', 'a'] }, false],
    [{ name: '', tags: [] }, false],
    [{ name: 'Joan', tags: [] }, false],
    [{ name: 'Jo', tags: [], age: 3.5 }, false],
    [{ name: 'Jo', tags: [], age: -1 }, false],
    [{ name: 'Jo', tags: [], age: 150 }, false],
    [{ name: 'Jo', tags: [], age: '3' }, false],
    [{ name: 'Jo', tags: [], more: 1 }, false],
    [{ name: 'Jo', tags: [], shape: { kind: 'circle' } }, true],
    [{ name: 'Jo', tags: [], shape: 4 }, true],
    [{ name: 'Jo', tags: [], shape: { kind: 'square' } }, false],
    [{ name: 'Jo', tags: [], parent: { name: 'Al', tags: [] } }, true],
    [{ name: 'Jo', tags: [], parent: { name: 'Al' } }, false],
    [{ name: 'Jo', tags: [], __proto__: { x: 1 } }, true],
    [[], false],
    [null, false],
    ['x', false],
  ])('%j: %s', (value, expected) => {
    expect(fitsSchema(value, schema)).toBe(expected);
  });

  it.each<[string, unknown, unknown, boolean]>([
    ['true', 1, true, true],
    ['false', 1, false, false],
    ['nothing', 1, undefined, true],
    ['oneOf once', 3, { oneOf: [{ type: 'number' }, { type: 'string' }] }, true],
    ['oneOf twice', 3, { oneOf: [{ type: 'number' }, { type: 'integer' }] }, false],
    ['allOf', 3, { allOf: [{ type: 'number' }, { minimum: 4 }] }, false],
    ['not', 3, { not: { type: 'number' } }, false],
    ['prefixItems', [1, 'a'], { prefixItems: [{ type: 'number' }, { type: 'string' }], items: false }, true],
    ['items beyond', [1, 2], { prefixItems: [{ type: 'number' }], items: false }, false],
    ['additionalProperties', { a: 'x' }, { additionalProperties: { type: 'number' } }, false],
    ['enum of objects', { a: 1, b: [2] }, { enum: [{ b: [2], a: 1 }] }, true],
    ['definitions', 'x', { $ref: '#/definitions/n', definitions: { n: { type: 'number' } } }, false],
    ['a reference elsewhere', 'x', { $ref: 'https://example.com/schema' }, true],
    ['a pattern', 'x', { pattern: '(a+)+$' }, true],
    ['a property called constructor', {}, { required: ['constructor'] }, false],
  ])('%s', (_name, value, given, expected) => {
    expect(fitsSchema(value, given)).toBe(expected);
  });

  it('ends in bounded time, whatever the schema refers to', () => {
    const loop = { $ref: '#' };
    expect(fitsSchema(1, loop)).toBe(true);
    const wide = { anyOf: Array.from({ length: 40 }, () => ({ allOf: [{ $ref: '#' }, { $ref: '#' }] })) };
    const startedAt = performance.now();
    fitsSchema(1, wide);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });

  it('counts whatever it compares, and passes what is too much', () => {
    const numbers = Array.from({ length: 10_000 }, (_, index) => index);
    const tooMuch: [unknown, unknown][] = [
      [[...Array.from({ length: 100 }, () => 9_999), 'no'], { items: { enum: numbers } }],
      [
        [...Array.from({ length: 100 }, () => ({ a: 1 })), {}],
        { items: { required: numbers.map(() => 'a') } },
      ],
      [[...Array.from({ length: 100 }, () => numbers), []], { items: { const: numbers } }],
      [[...Array.from({ length: 100 }, () => 'x'.repeat(200_000)), ''], { items: { minLength: 1 } }],
    ];
    for (const [value, given] of tooMuch) {
      expect(fitsSchema(value, given)).toBe(true);
      // The same of what is less.
      expect(fitsSchema((value as unknown[]).slice(-2), given)).toBe(false);
    }
  });

  it.each<[string, unknown]>([
    ['not', { not: { $ref: '#/$defs/loop' } }],
    ['oneOf', { oneOf: [{ type: 'number' }, { $ref: '#/$defs/loop' }] }],
  ])('passes what is too deep to be told, under %s as well', (_name, given) => {
    const loop = { $ref: '#/$defs/loop' };
    expect(fitsSchema(1, { ...(given as object), $defs: { loop } })).toBe(true);
  });

  it('ends for values nested deeper than any stack', () => {
    const deep = (): unknown => JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`);
    expect(fitsSchema(deep(), { const: deep() })).toBe(true);
  });

  it('throws for no JSON and no schema', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (value, given) => {
        expect(typeof fitsSchema(value, given)).toBe('boolean');
      }),
    );
  });
});

describe('fitsRequest', () => {
  const messages = [{ role: 'user', content: 'x' }];
  const answerOf = (content: string | null, more: object = {}): ChatCompletion =>
    ({ choices: [{ message: { content, ...more } }] }) as unknown as ChatCompletion;
  const fits = (format: unknown, content: string | null, more?: object): boolean | undefined =>
    fitsRequest(answerOf(content, more), validateChatRequest({ messages, response_format: format }));

  it('asks for nothing where words are asked for, nor of a tool call or a refusal', () => {
    expect(fits(undefined, 'x')).toBe(undefined);
    expect(fits({ type: 'text' }, 'x')).toBe(undefined);
    expect(fits({ type: 'json_object' }, null, { tool_calls: [{}] })).toBe(undefined);
    expect(fits({ type: 'json_object' }, null, { refusal: 'no' })).toBe(undefined);
  });

  it('asks for an object, or for what the schema says, in every choice', () => {
    expect(fits({ type: 'json_object' }, '{}')).toBe(true);
    expect(fits({ type: 'json_object' }, '[]')).toBe(false);
    expect(fits({ type: 'json_object' }, null)).toBe(false);
    expect(fits({ type: 'json_object' }, null, { refusal: null })).toBe(false);
    expect(fits({ type: 'json_object', schema: { required: ['a'] } }, '{}')).toBe(false);
    const schema = { type: 'json_schema', json_schema: { name: 'n', schema: { type: 'number' } } };
    expect(fits(schema, '4')).toBe(true);
    expect(fits(schema, '4 ')).toBe(true);
    expect(fits(schema, '```json\n4\n```')).toBe(false);
    const two = { choices: [...answerOf('4').choices, ...answerOf('x').choices] } as ChatCompletion;
    expect(fitsRequest(two, validateChatRequest({ messages, response_format: schema }))).toBe(false);
  });
});
