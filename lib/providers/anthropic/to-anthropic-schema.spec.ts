import { Ajv } from 'ajv';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { JsonObject } from '../json-reading.js';
import type { ProviderCall } from '../provider-adapter.js';
import { answerToolName, structuredOutputOf } from './structured-output.js';
import { toAnthropicSchema } from './to-anthropic-schema.js';

const object = (properties: JsonObject, rest: JsonObject = {}): JsonObject => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
  ...rest,
});
const member = (schema: JsonObject): unknown =>
  (toAnthropicSchema(object({ a: schema }))?.properties as JsonObject | undefined)?.a;

describe('toAnthropicSchema', () => {
  it('closes objects, keeps what is enforced, and tells the model the rest', () => {
    expect(
      toAnthropicSchema({
        $schema: 'http://json-schema.org/draft-07/schema#',
        type: 'object',
        title: 'Person',
        properties: {
          name: { type: 'string', minLength: 1, description: 'Whole name' },
          mail: { type: 'string', format: 'email' },
          phone: { type: 'string', format: 'phone' },
          age: { type: 'integer', minimum: 0 },
          tags: { type: 'array', items: { type: 'string' }, minItems: 1, maxItems: 3 },
        },
        required: ['name'],
      }),
    ).toEqual({
      type: 'object',
      properties: {
        name: { type: 'string', description: 'Whole name (minLength: 1)' },
        mail: { type: 'string', format: 'email' },
        phone: { type: 'string', description: '(format: "phone")' },
        age: { type: 'integer', description: '(minimum: 0)' },
        tags: { type: 'array', items: { type: 'string' }, minItems: 1, description: '(maxItems: 3)' },
      },
      required: ['name'],
      additionalProperties: false,
    });
  });

  it.each<[string, JsonObject, unknown]>([
    [
      'oneOf',
      { oneOf: [{ type: 'string' }, { type: 'null' }] },
      { anyOf: [{ type: 'string' }, { type: 'null' }] },
    ],
    [
      'several types',
      { type: ['string', 'null'], description: 'D' },
      { description: 'D', anyOf: [{ type: 'string' }, { type: 'null' }] },
    ],
    ['nullable', { type: 'integer', nullable: true }, { anyOf: [{ type: 'integer' }, { type: 'null' }] }],
    ['a constant without type', { const: 'x' }, { type: 'string', const: 'x' }],
    ['an enum without type', { enum: ['x', 'y'] }, { type: 'string', enum: ['x', 'y'] }],
    [
      'an enum with null',
      { type: ['string', 'null'], enum: ['x', null] },
      {
        anyOf: [
          { type: 'string', enum: ['x'] },
          { type: 'null', enum: [null] },
        ],
      },
    ],
    ['allOf of one', { allOf: [{ type: 'string' }], description: 'D' }, { type: 'string', description: 'D' }],
    [
      'allOf of one beside members',
      {
        type: 'object',
        allOf: [{ type: 'object', properties: { a: { type: 'string' } }, required: ['a'] }],
        properties: { b: { type: 'null' } },
        required: ['b'],
      },
      object({ a: { type: 'string' }, b: { type: 'null' } }),
    ],
    [
      'alternatives or null',
      { nullable: true, anyOf: [{ type: 'string' }, { type: 'number' }] },
      { anyOf: [{ type: 'string' }, { type: 'number' }, { type: 'null' }] },
    ],
    [
      'bounds and a type around alternatives',
      { type: 'string', anyOf: [{ enum: ['a'] }, { type: 'string', format: 'uri' }], minLength: 1 },
      {
        anyOf: [
          { type: 'string', enum: ['a'] },
          { type: 'string', format: 'uri' },
        ],
        description: '(minLength: 1)',
      },
    ],
    ['an empty object', { type: 'object', additionalProperties: false }, object({}, { required: undefined })],
  ])('says %s', (_name, schema, expected) => {
    expect(member(schema)).toEqual(expected);
  });

  it('brings definitions under one name, only those used', () => {
    const definitions = { p: object({ x: { type: 'number' } }), unused: { type: 'string' } };
    expect(toAnthropicSchema(object({ a: { $ref: '#/definitions/p' } }, { definitions }))).toEqual(
      object({ a: { $ref: '#/$defs/p' } }, { $defs: { p: object({ x: { type: 'number' } }) } }),
    );
    expect(toAnthropicSchema({ $ref: '#/$defs/p', $defs: definitions })).toMatchObject({ type: 'object' });
  });

  it.each<[string, JsonObject]>([
    ['a record', { type: 'object', additionalProperties: { type: 'string' } }],
    ['an open object', { type: 'object' }],
    ['anything', {}],
    ['a tuple', { type: 'array', prefixItems: [{ type: 'string' }] }],
    ['a list of anything', { type: 'array' }],
    ['a foreign reference', { $ref: 'https://example.com/a.json' }],
    ['a lost reference', { $ref: '#/$defs/__proto__' }],
    ['the root again', { $ref: '#' }],
    ['two at once', { allOf: [{ type: 'object' }, { type: 'object' }] }],
    ['required beside alternatives', { required: ['a'], anyOf: [object({ a: { type: 'string' } })] }],
    ['anyOf beside oneOf', { anyOf: [{ type: 'string' }], oneOf: [{ type: 'string' }] }],
    ['types that exclude each other', { allOf: [{ type: 'string' }], type: 'number' }],
    ['a member that is required alone', object({}, { required: ['a'] })],
    ['members beside alternatives', { anyOf: [{ type: 'string' }], properties: {} }],
    ['no alternatives', { anyOf: [] }],
    ['a constant object', { const: {} }],
    ['an unheard-of type', { type: 'money' }],
  ])('does not say %s', (_name, schema) => {
    expect(member(schema)).toBeUndefined();
  });

  it('is asked once a call, however often the way is', () => {
    let reads = 0;
    const schema = new Proxy(object({ a: { type: 'string' } }), {
      ownKeys: (target) => {
        reads += 1;
        return Reflect.ownKeys(target);
      },
    });
    const call: ProviderCall = {
      upstreamModel: 'claude-haiku-4-5',
      request: {
        model: 'auto',
        messages: [{ role: 'user', content: 'x' }],
        response_format: { type: 'json_schema', json_schema: { name: 'x', schema } },
      },
      stream: false,
      maxOutputTokens: undefined,
      modelMaxOutputTokens: undefined,
      reasoning: false,
    };
    expect(structuredOutputOf(call)).toMatchObject({ kind: 'format' });
    const readsOfOne = reads;
    expect(answerToolName(call)).toBeUndefined();
    expect(reads).toBe(readsOfOne);
    expect(readsOfOne).toBeGreaterThan(0);
  });

  it('writes out a reference that has words beside it', () => {
    const of = (a: JsonObject): unknown => {
      const converted = toAnthropicSchema(object({ a }, { $defs: { s: { type: 'string' } } }));
      return (converted?.properties as JsonObject | undefined)?.a;
    };
    expect(of({ $ref: '#/$defs/s', minLength: 3, description: 'D' })).toEqual({
      type: 'string',
      description: 'D (minLength: 3)',
    });
    expect(of({ $ref: '#/$defs/s', nullable: true })).toEqual({
      anyOf: [{ type: 'string' }, { type: 'null' }],
    });
    expect(of({ $ref: '#/$defs/s', title: 'T' })).toEqual({ $ref: '#/$defs/s' });
  });

  it('is done in no time with what is made to be slow', () => {
    const startedAt = performance.now();
    const names = Array.from({ length: 60_000 }, (_, index) => `property_${index}`);
    const wide = Object.fromEntries(names.map((name) => [name, { type: 'null' }]));
    expect(toAnthropicSchema(object(wide, { required: names.toReversed() }))).toBeDefined();
    const types = { type: [...names, 'null'], enum: names };
    expect(toAnthropicSchema(object({ a: types }))).toBeUndefined();
    const chain = Object.fromEntries(
      names.map((_name, index) => [`d${index}`, object({ a: { $ref: `#/$defs/d${index + 1}` } })]),
    );
    expect(toAnthropicSchema({ $ref: '#/$defs/d0', $defs: chain })).toBeUndefined();
    const twice = Object.fromEntries(
      Array.from({ length: 300 }, (_, index) => {
        const next = { $ref: `#/$defs/d${index + 1}`, description: 'D' };
        return [`d${index}`, object({ l: next, r: next })];
      }),
    );
    expect(toAnthropicSchema({ $ref: '#/$defs/d0', $defs: twice })).toBeUndefined();
    expect(performance.now() - startedAt).toBeLessThan(3_000);
  });

  it('does not say recursion, too many optional members, a root that is no object', () => {
    const tree = object({ children: { type: 'array', items: { $ref: '#/$defs/tree' } } });
    expect(toAnthropicSchema({ $ref: '#/$defs/tree', $defs: { tree } })).toBeUndefined();
    const many = Object.fromEntries(
      Array.from({ length: 25 }, (_, index) => [`p${index}`, { type: 'string' }]),
    );
    expect(toAnthropicSchema(object(many))).toBeDefined();
    expect(toAnthropicSchema(object(many, { required: [] }))).toBeUndefined();
    expect(toAnthropicSchema({ type: 'string' })).toBeUndefined();
  });

  it('lets through only what the original means, but for bounds; twice changes nothing; the input stays', () => {
    const leaf: fc.Arbitrary<z.ZodType> = fc.constantFrom<z.ZodType>(
      z.string(),
      z.number(),
      z.boolean(),
      z.literal('one'),
      z.literal(2),
      z.enum(['a', 'b']),
      z.null(),
    );
    const { schema } = fc.letrec<{ schema: z.ZodType }>((tie) => ({
      schema: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        leaf,
        tie('schema').map((inner) => z.array(inner)),
        tie('schema').map((inner) => inner.nullable()),
        fc.tuple(tie('schema'), tie('schema')).map(([one, other]) => z.union([one, other])),
        fc
          .dictionary(fc.constantFrom('a', 'b', 'c'), tie('schema'), { maxKeys: 3 })
          .map((shape) => z.object(shape)),
      ),
    }));
    const values = [null, 1, 2, 'one', 'a', 'z', true, [], ['a'], {}, { a: 'a' }, { a: 1, b: null }];
    const ajv = new Ajv({ strict: false });
    fc.assert(
      fc.property(schema, fc.array(fc.constantFrom(...values), { maxLength: 4 }), (inner, picks) => {
        const original = z.toJSONSchema(z.object({ it: inner }), { target: 'draft-7' }) as JsonObject;
        const before = JSON.stringify(original);
        const converted = toAnthropicSchema(original);
        expect(JSON.stringify(original)).toBe(before);
        if (converted === undefined) return;
        expect(toAnthropicSchema(converted)).toEqual(converted);
        for (const value of picks) {
          const candidate = { it: value };
          expect(ajv.validate(converted, candidate)).toBe(ajv.validate(original, candidate));
        }
      }),
      { numRuns: 150 },
    );
  });
});
