import { Ajv } from 'ajv';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { JsonObject } from '../json-reading.js';
import { toGeminiSchema } from './to-gemini-schema.js';

describe('toGeminiSchema', () => {
  it.each<[string, JsonObject, JsonObject]>([
    ['a text constant', { const: 'x' }, { type: 'string', enum: ['x'] }],
    ['a number constant', { type: 'integer', const: 3 }, { type: 'integer', enum: [3] }],
    ['a flag constant', { const: true }, { type: 'boolean', description: 'Always true.' }],
    ['null', { const: null, description: 'D' }, { type: 'null', description: 'D' }],
    [
      'nullable',
      { type: 'string', nullable: true, description: 'D' },
      { description: 'D', anyOf: [{ type: 'string' }, { type: 'null' }] },
    ],
    [
      'an enum with null',
      { type: ['string', 'null'], enum: ['a', null] },
      { anyOf: [{ type: 'string', enum: ['a'] }, { type: 'null' }] },
    ],
    [
      'words beside a reference',
      { $ref: '#/definitions/p', description: 'D', minLength: 3, title: 'T' },
      { description: 'D (minLength: 3)', anyOf: [{ $ref: '#/$defs/p' }] },
    ],
    [
      'a reference or null',
      { allOf: [{ $ref: '#/$defs/p' }], nullable: true },
      { anyOf: [{ $ref: '#/$defs/p' }, { type: 'null' }] },
    ],
    [
      'what Google does not read',
      { type: 'integer', multipleOf: 5, exclusiveMinimum: 0, minimum: 1, description: 'D' },
      { type: 'integer', minimum: 1, description: 'D (multipleOf: 5, exclusiveMinimum: 0)' },
    ],
    ['flags', { enum: [true] }, { type: 'boolean', description: '(enum: [true])' }],
    [
      'alternatives beside members, or null',
      { nullable: true, properties: { a: { type: 'string' } }, anyOf: [{ required: ['a'] }] },
      {
        anyOf: [{ properties: { a: { type: 'string' } }, anyOf: [{ required: ['a'] }] }, { type: 'null' }],
      },
    ],
    [
      'inheritance',
      {
        $defs: { base: { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] } },
        allOf: [{ $ref: '#/$defs/base' }, { properties: { b: { type: 'number' } }, required: ['b'] }],
      },
      {
        $defs: { base: { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] } },
        type: 'object',
        properties: { id: { type: 'string' }, b: { type: 'number' } },
        required: ['id', 'b'],
      },
    ],
    [
      'the tighter of two bounds',
      {
        allOf: [
          { type: 'number', minimum: 5, maximum: 9 },
          { type: 'integer', minimum: 1, maximum: 8 },
        ],
      },
      { type: 'integer', minimum: 5, maximum: 8 },
    ],
    [
      'a member of two parts',
      {
        allOf: [
          { properties: { a: { type: 'string' } } },
          { properties: { a: { enum: ['x', 'y'] }, b: { type: 'null' } } },
        ],
      },
      { properties: { a: { type: 'string', enum: ['x', 'y'] }, b: { type: 'null' } } },
    ],
    [
      'allOf',
      {
        allOf: [
          { type: 'object', properties: { a: { const: 'x' } }, required: ['a'] },
          { properties: { b: { type: 'number' } }, required: ['b'] },
        ],
      },
      {
        type: 'object',
        properties: { a: { type: 'string', enum: ['x'] }, b: { type: 'number' } },
        required: ['a', 'b'],
      },
    ],
    [
      'definitions',
      { type: 'object', properties: { a: { $ref: '#/definitions/p' } }, definitions: { p: { const: 'x' } } },
      {
        type: 'object',
        properties: { a: { $ref: '#/$defs/p' } },
        $defs: { p: { type: 'string', enum: ['x'] } },
      },
    ],
    ['anything goes', { properties: { a: true } }, { properties: { a: {} } }],
  ])('says %s', (_name, schema, expected) => {
    const before = JSON.stringify(schema);
    expect(toGeminiSchema(schema)).toEqual(expected);
    expect(JSON.stringify(schema)).toBe(before);
  });

  it('leaves alone what Gemini reads, as recorded', () => {
    const schema: JsonObject = {
      $defs: { t: { type: 'object', properties: { c: { items: { $ref: '#/$defs/t' }, type: 'array' } } } },
      type: 'object',
      title: 'Payment',
      properties: {
        amount: { anyOf: [{ type: 'number' }, { maximum: 9, type: 'integer' }] },
        note: { type: ['string', 'null'], default: null },
        t: { $ref: '#/$defs/t' },
        // Members may have the names of keywords.
        const: { type: 'string' },
        enum: { type: 'integer', minimum: 1 },
      },
      required: ['amount'],
      additionalProperties: false,
    };
    expect(toGeminiSchema(schema)).toEqual(schema);
  });

  const node = (required: string[], child: JsonObject): JsonObject => ({
    type: 'object',
    properties: { child },
    required,
  });
  const over = (n: JsonObject): JsonObject => ({
    type: 'object',
    properties: { n: { $ref: '#/$defs/n' } },
    required: ['n'],
    $defs: { n },
  });

  it.each<[string, JsonObject]>([
    ['alternatives twice', { allOf: [{ anyOf: [{ type: 'string' }] }, { anyOf: [{ type: 'number' }] }] }],
    ['types that exclude each other', { allOf: [{ type: 'string' }, { type: 'number' }] }],
    ['two patterns', { allOf: [{ pattern: 'a' }, { pattern: 'b' }] }],
    ['a part of itself', over({ allOf: [{ $ref: '#/$defs/n' }, { type: 'object' }] })],
    ['a lost part', { allOf: [{ $ref: '#/$defs/lost' }, { type: 'object' }] }],
    [
      'members of any name beside others',
      {
        allOf: [{ additionalProperties: { type: 'string' } }, { properties: { a: { type: 'number' } } }],
      },
    ],
    ['recursion in a required member', over(node(['child'], { $ref: '#/$defs/n' }))],
    ['recursion in a required list', over(node(['child'], { type: 'array', items: { $ref: '#/$defs/n' } }))],
    [
      'recursion or null in a required member',
      over(node(['child'], { anyOf: [{ $ref: '#/$defs/n' }, { type: 'null' }] })),
    ],
    ['the root in a required member', node(['child'], { $ref: '#' })],
    [
      'recursion that is written out',
      over(node([], { allOf: [{ $ref: '#/$defs/n' }, { required: ['x'] }] })),
    ],
  ])('does not say %s', (_name, schema) => {
    expect(toGeminiSchema(schema)).toBeUndefined();
  });

  it('says recursion that an optional member interrupts', () => {
    for (const child of [{ $ref: '#/$defs/n' }, { type: 'array', items: { $ref: '#/$defs/n' } }]) {
      expect(toGeminiSchema(over(node([], child)))).toEqual(over(node([], child)));
    }
  });

  it('is done in no time with what is made to be slow', () => {
    const startedAt = performance.now();
    const chain = Object.fromEntries(
      Array.from({ length: 300 }, (_, index) => {
        const next = { $ref: `#/$defs/d${index + 1}`, type: 'object' };
        return [`d${index}`, { type: 'object', properties: { l: next, r: next } }];
      }),
    );
    expect(toGeminiSchema({ $ref: '#/$defs/d0', type: 'object', $defs: chain })).toBeUndefined();
    const long = { d: { type: 'string', description: 'x'.repeat(100_000) } };
    const uses = Array.from({ length: 5_000 }, (_, index) => [
      `p${index}`,
      { $ref: '#/$defs/d', type: 'string' },
    ]);
    expect(
      toGeminiSchema({ properties: Object.fromEntries(uses) as JsonObject, $defs: long }),
    ).toBeUndefined();
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });

  it('means the same, twice changes nothing', () => {
    const { schema } = fc.letrec<{ schema: z.ZodType }>((tie) => ({
      schema: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        fc.constantFrom<z.ZodType>(
          z.string(),
          z.number(),
          z.literal('one'),
          z.literal(2),
          z.enum(['a', 'b']),
          z.null(),
        ),
        tie('schema').map((inner) => z.array(inner)),
        tie('schema').map((inner) => inner.nullable()),
        fc.tuple(tie('schema'), tie('schema')).map(([one, other]) => z.union([one, other])),
        fc
          .dictionary(fc.constantFrom('a', 'const'), tie('schema'), { maxKeys: 2 })
          .map((shape) => z.object(shape)),
      ),
    }));
    const values = [null, 1, 2, 'one', 'a', [], ['a'], {}, { a: 'a' }, { a: 1, const: null }];
    const ajv = new Ajv({ strict: false });
    fc.assert(
      fc.property(schema, fc.array(fc.constantFrom(...values), { maxLength: 4 }), (inner, picks) => {
        const original = z.toJSONSchema(z.object({ it: inner }), { target: 'draft-7' }) as JsonObject;
        const converted = toGeminiSchema(original) ?? {};
        expect(toGeminiSchema(converted)).toEqual(converted);
        for (const value of picks) {
          expect(ajv.validate(converted, { it: value })).toBe(ajv.validate(original, { it: value }));
        }
      }),
      { numRuns: 150 },
    );
  });
});
