import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { minimalInstance } from './minimal-instance.js';

describe('minimalInstance', () => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });

  it.each<[string, object]>([
    [
      'required members only',
      { type: 'object', properties: { a: { type: 'string' }, b: {} }, required: ['a'] },
    ],
    [
      'bounds',
      {
        type: 'object',
        properties: { a: { type: 'integer', minimum: 3, maximum: 9, multipleOf: 4 } },
        required: ['a'],
      },
    ],
    ['exclusive bounds', { type: 'number', exclusiveMinimum: 2 }],
    ['a negative range', { type: 'integer', maximum: -5 }],
    ['lengths', { type: 'string', minLength: 20 }],
    ['short lengths', { type: 'string', maxLength: 3 }],
    ['lists', { type: 'array', minItems: 2, items: { enum: ['x', 'y'] } }],
    ['constants', { type: 'object', properties: { kind: { const: 'circle' } }, required: ['kind'] }],
    [
      'alternatives',
      {
        anyOf: [
          { type: 'null' },
          { type: 'object', properties: { a: { type: 'boolean' } }, required: ['a'] },
        ],
      },
    ],
    ['several types', { type: ['null', 'number'] }],
    [
      'joined schemas',
      {
        allOf: [
          { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] },
          { properties: { b: { type: 'number' } }, required: ['b'] },
        ],
      },
    ],
    [
      'references',
      {
        $defs: { name: { type: 'string' } },
        type: 'object',
        properties: { n: { $ref: '#/$defs/name' } },
        required: ['n'],
      },
    ],
    [
      'recursion that may end',
      {
        $ref: '#/$defs/node',
        $defs: {
          node: {
            type: 'object',
            properties: {
              next: { anyOf: [{ $ref: '#/$defs/node' }, { type: 'null' }] },
              name: { type: 'string' },
            },
            required: ['name'],
          },
        },
      },
    ],
  ])('fits the schema: %s', (_name, schema) => {
    const instance = minimalInstance(schema);
    expect(ajv.validate(schema, instance), JSON.stringify({ instance, errors: ajv.errors })).toBe(true);
  });

  it("understands Google's spelling of types", () => {
    expect(
      minimalInstance({ type: 'OBJECT', properties: { a: { type: 'INTEGER' } }, required: ['a'] }),
    ).toEqual({ a: 0 });
  });

  it('ends on schemas that have no end, and does not grow without bound', () => {
    const endless = {
      $ref: '#/$defs/node',
      $defs: {
        node: {
          type: 'object',
          properties: { a: { $ref: '#/$defs/node' }, b: { $ref: '#/$defs/node' } },
          required: ['a', 'b'],
        },
      },
    };
    expect(JSON.stringify(minimalInstance(endless)).length).toBeLessThan(100_000);
    expect(minimalInstance({ type: 'array', minItems: 1e9 })).toHaveLength(16);
    expect(minimalInstance({ $ref: '#' })).toBeNull();
  });

  it('takes no name for a prototype', () => {
    const instance = minimalInstance({ type: 'object', required: ['__proto__', 'constructor'] });
    expect(Object.keys(instance as object)).toEqual(['__proto__', 'constructor']);
    expect(JSON.stringify(instance)).toBe('{"__proto__":"simulated","constructor":"simulated"}');
  });
});
