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
    ['words beside a reference', { $ref: '#/definitions/p', description: 'D' }, { $ref: '#/$defs/p' }],
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
        amount: { anyOf: [{ type: 'number' }, { pattern: '^a$', type: 'string' }] },
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
        const converted = toGeminiSchema(original);
        expect(toGeminiSchema(converted)).toEqual(converted);
        for (const value of picks) {
          expect(ajv.validate(converted, { it: value })).toBe(ajv.validate(original, { it: value }));
        }
      }),
      { numRuns: 150 },
    );
  });
});
