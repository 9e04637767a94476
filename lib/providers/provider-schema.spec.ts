import { existsSync, readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import type { ChatRequest } from '../chat/chat-types.js';
import { adapterFor, type ProviderApi } from './adapter-registry.js';

const SHARED = new URL('../../../shared/', import.meta.url);
const hasShared = existsSync(new URL('provider-schema/README.md', SHARED));
const readSchema = (path: string): { readonly $id?: string } =>
  JSON.parse(readFileSync(new URL(path, SHARED), 'utf8')) as { $id?: string };

const OPTIONS = { strict: false, allErrors: true, validateFormats: false, logger: false } as const;
const WEATHER = {
  type: 'function' as const,
  function: {
    name: 'weather',
    description: 'Tells the weather',
    strict: true,
    parameters: {
      type: 'object',
      properties: { city: { type: 'string' } },
      required: ['city'],
      additionalProperties: false,
    },
  },
};
const NOW = { type: 'function' as const, function: { name: 'now' } };
const call = (id: string, name: string, text: string) => ({
  id,
  type: 'function' as const,
  function: { name, arguments: text },
});

const REQUESTS: Readonly<Record<string, Omit<ChatRequest, 'model'>>> = {
  'plain text': {
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Hello' },
    ],
    temperature: 1.4,
    stop: ['END'],
    max_completion_tokens: 300,
    safety_identifier: 'user-1',
  },
  'a round of tools': {
    messages: [
      { role: 'developer', content: [{ type: 'text', text: 'Use tools.' }] },
      { role: 'user', content: 'Weather in Rome and the time?' },
      {
        role: 'assistant',
        content: null,
        tool_calls: [call('call.1', 'weather', '{"city":"Rome"}'), call('call.2', 'now', '')],
      },
      { role: 'tool', tool_call_id: 'call.2', content: '12:00' },
      { role: 'tool', tool_call_id: 'call.1', content: '{"sky":"clear"}' },
      { role: 'user', content: 'Thanks. And tomorrow?' },
    ],
    tools: [WEATHER, NOW],
    tool_choice: 'auto',
    parallel_tool_calls: false,
  },
  'a forced tool': {
    messages: [{ role: 'user', content: 'Weather?' }],
    tools: [WEATHER],
    tool_choice: { type: 'function', function: { name: 'weather' } },
  },
  pictures: {
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What is this?' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA', detail: 'low' } },
          { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,AAAA' } },
        ],
      },
    ],
  },
  'a schema': {
    messages: [{ role: 'user', content: 'A city' }],
    response_format: {
      type: 'json_schema',
      json_schema: { name: 'city', strict: true, schema: WEATHER.function.parameters },
    },
  },
  'a schema with definitions and constants': {
    messages: [{ role: 'user', content: 'A shape' }],
    response_format: {
      type: 'json_schema',
      json_schema: {
        name: 'shape',
        strict: true,
        schema: {
          type: 'object',
          properties: {
            kind: { type: 'string', const: 'circle' },
            at: { $ref: '#/definitions/point' },
            note: { type: ['string', 'null'], maxLength: 9 },
          },
          required: ['kind', 'at', 'note'],
          additionalProperties: false,
          definitions: {
            point: {
              type: 'object',
              properties: { x: { type: 'number', minimum: 0 } },
              required: ['x'],
              additionalProperties: false,
            },
          },
        },
      },
    },
  },
  'a schema beside tools': {
    messages: [{ role: 'user', content: 'A city' }],
    tools: [NOW],
    response_format: { type: 'json_schema', json_schema: { name: 'city', schema: { type: 'object' } } },
  },
  thinking: { messages: [{ role: 'user', content: 'Prove it' }], reasoning_effort: 'high' },
};

const TARGETS: readonly [ProviderApi, string, string, string][] = [
  ['openai', 'gpt-4o', 'openai-schema/openai-chat.schema.json', 'CreateChatCompletionRequest'],
  ['azure-openai', 'my-gpt-4o', 'openai-schema/openai-chat.schema.json', 'CreateChatCompletionRequest'],
  ['openai-compatible', 'llama', 'openai-schema/openai-chat.schema.json', 'CreateChatCompletionRequest'],
  [
    'anthropic',
    'claude-sonnet-4-0',
    'provider-schema/anthropic-messages.schema.json',
    'WireMessageCreateParams',
  ],
  [
    'anthropic',
    'claude-haiku-4-5',
    'provider-schema/anthropic-messages.schema.json',
    'WireMessageCreateParams',
  ],
  [
    'anthropic',
    'claude-opus-4-8',
    'provider-schema/anthropic-messages.schema.json',
    'WireMessageCreateParams',
  ],
  [
    'gemini',
    'gemini-2.5-flash',
    'provider-schema/gemini-generatecontent.schema.json',
    'WireGenerateContentRequest',
  ],
  [
    'gemini',
    'gemini-3-pro-preview',
    'provider-schema/gemini-generatecontent.schema.json',
    'WireGenerateContentRequest',
  ],
];

/** A user's own JSON Schema. */
const FREE_FORM = ['Tool.InputSchema', 'JSONOutputFormat'];
/** Gone from the newest types, since the newest models refuse them; older models go on taking them. */
const RETIRED = ['temperature', 'top_p'];

/** The published types allow more fields than they name: ours must all be named. */
function closeObjects(schema: unknown): unknown {
  if (Array.isArray(schema)) {
    return schema.map(closeObjects);
  }
  if (typeof schema !== 'object' || schema === null) {
    return schema;
  }
  const closed = Object.fromEntries(
    Object.entries(schema).map(([name, value]) => [
      name,
      FREE_FORM.includes(name) ? value : closeObjects(value),
    ]),
  );
  return 'properties' in closed && !('additionalProperties' in closed)
    ? { ...closed, additionalProperties: false }
    : closed;
}

describe('a schema with definitions and constants', () => {
  const point = (x: object): object => ({
    type: 'object',
    properties: { x },
    required: ['x'],
    additionalProperties: false,
  });
  const shape = (properties: object, x: object): object => ({
    type: 'object',
    properties,
    required: ['kind', 'at', 'note'],
    additionalProperties: false,
    $defs: { point: point(x) },
  });
  const bodyOf = (api: ProviderApi, upstreamModel: string): unknown =>
    adapterFor(api).buildRequest({
      upstreamModel,
      request: { ...REQUESTS['a schema with definitions and constants']!, model: 'auto' },
      stream: false,
      maxOutputTokens: undefined,
      modelMaxOutputTokens: undefined,
      reasoning: false,
    }).body;

  // The published types leave a user's schema free: what becomes of it is asserted here.
  it('is said as Anthropic takes it', () => {
    expect(bodyOf('anthropic', 'claude-haiku-4-5')).toHaveProperty(
      'output_config.format.schema',
      shape(
        {
          kind: { type: 'string', const: 'circle' },
          at: { $ref: '#/$defs/point' },
          note: { anyOf: [{ type: 'string', description: '(maxLength: 9)' }, { type: 'null' }] },
        },
        { type: 'number', description: '(minimum: 0)' },
      ),
    );
  });

  it('is said as Gemini reads it', () => {
    expect(bodyOf('gemini', 'gemini-2.5-flash')).toHaveProperty(
      'generationConfig.responseJsonSchema',
      shape(
        {
          kind: { type: 'string', enum: ['circle'] },
          at: { $ref: '#/$defs/point' },
          note: { type: ['string', 'null'], description: '(maxLength: 9)' },
        },
        { type: 'number', minimum: 0 },
      ),
    );
  });
});

describe.skipIf(!hasShared)('requests against published schemas (skipped where ../shared is absent)', () => {
  describe.each(TARGETS)('%s %s', (api, upstreamModel, path, root) => {
    const isOpenAi = path.startsWith('openai-schema/');
    const ajv = isOpenAi ? new Ajv2020(OPTIONS) : new Ajv(OPTIONS);
    const schema = hasShared ? readSchema(path) : {};
    ajv.addSchema(isOpenAi ? schema : (closeObjects(schema) as object), 'schema');
    const check = (body: unknown): string[] => {
      const validate = ajv.getSchema(`schema#/${isOpenAi ? '$defs' : 'definitions'}/${root}`)!;
      void validate(body);
      return (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message ?? ''}`);
    };

    it.each(
      Object.entries(REQUESTS).flatMap(([name, request]) =>
        [true, false].map((stream) => [name, stream, request] as const),
      ),
    )('builds a valid request: %s, stream %s', (_name, stream, request) => {
      const { body } = adapterFor(api).buildRequest({
        upstreamModel,
        request: { ...request, model: 'auto' },
        stream,
        maxOutputTokens: undefined,
        modelMaxOutputTokens: undefined,
        reasoning: true,
      });
      const sent = JSON.parse(JSON.stringify(body)) as object;
      const published = Object.entries(sent).filter(
        ([name]) => api !== 'anthropic' || !RETIRED.includes(name),
      );
      expect(check(Object.fromEntries(published))).toEqual([]);
    });

    it('would see an invalid one', () => {
      expect(check({ messages: 7, contents: 7 })).not.toEqual([]);
    });
  });
});
