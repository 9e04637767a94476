import { describe, expect, it } from 'vitest';
import { InvalidRequestError } from '../../errors/invalid-request-error.js';
import { GeminiAdapter } from '../gemini/gemini.adapter.js';
import type { ProviderCall } from '../provider-adapter.js';
import { VERTEX_DEFAULTS, type VertexSettings } from './vertex-settings.js';
import { VertexAdapter } from './vertex.adapter.js';

const adapterOf = (settings: Partial<VertexSettings> = {}): VertexAdapter =>
  new VertexAdapter({ ...VERTEX_DEFAULTS, project: 'my-project', ...settings });
const callOf = (
  upstreamModel: string,
  request: object = {},
  rest: Partial<ProviderCall> = {},
): ProviderCall => ({
  upstreamModel,
  request: { model: 'auto', messages: [{ role: 'user', content: 'Hi' }], ...request },
  stream: false,
  maxOutputTokens: undefined,
  modelMaxOutputTokens: undefined,
  reasoning: false,
  ...rest,
});
const bodyOf = (call: ProviderCall, settings?: Partial<VertexSettings>): Record<string, unknown> =>
  adapterOf(settings).buildRequest(call).body as Record<string, unknown>;

const image = (url: string) => ({
  messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }],
});
const file = (address: string) => ({
  messages: [{ role: 'user', content: [{ type: 'file', file: { file_data: address } }] }],
});
const toolLoop = {
  messages: [
    { role: 'user', content: 'Weather?' },
    {
      role: 'assistant',
      content: null,
      tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{}' } }],
    },
    { role: 'tool', tool_call_id: 'call_1', content: '{"sky":"blue"}' },
  ],
};
const jsonSchema = {
  response_format: {
    type: 'json_schema',
    json_schema: {
      name: 'city',
      schema: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
    },
  },
};

describe('VertexAdapter', () => {
  it.each([
    ['global', 'https://aiplatform.googleapis.com'],
    ['europe-west4', 'https://europe-west4-aiplatform.googleapis.com'],
    ['us-central1', 'https://us-central1-aiplatform.googleapis.com'],
    ['us', 'https://aiplatform.us.rep.googleapis.com'],
    ['eu', 'https://aiplatform.eu.rep.googleapis.com'],
  ])('is for %s at %s', (location, url) => {
    expect(adapterOf({ location }).defaultBaseUrl).toBe(url);
  });

  it.each([
    ['gemini-2.5-flash', false, 'google/models/gemini-2.5-flash:generateContent'],
    ['gemini-2.5-flash', true, 'google/models/gemini-2.5-flash:streamGenerateContent?alt=sse'],
    ['google/gemini-3-pro', false, 'google/models/gemini-3-pro:generateContent'],
    ['publishers/google/models/gemini-3-pro', false, 'google/models/gemini-3-pro:generateContent'],
    ['claude-sonnet-4-5@20250929', false, 'anthropic/models/claude-sonnet-4-5@20250929:rawPredict'],
    ['anthropic/claude-opus-4-6', true, 'anthropic/models/claude-opus-4-6:streamRawPredict'],
  ])('calls %s (stream: %s) at …/%s', (model, stream, end) => {
    const call = callOf(model, {}, { stream });
    const at = (settings: Partial<VertexSettings>) => adapterOf(settings).buildRequest(call).path;
    const start = '/v1/projects/my-project/locations/europe-west4/publishers/';
    expect(at({ location: 'europe-west4' })).toBe(`${start}${end}`);
    expect(at({ project: undefined })).toBe(`/v1/projects/-/locations/global/publishers/${end}`);
    expect(at({ isExpress: true })).toBe(`/v1/publishers/${end}`);
  });

  it.each([
    'meta/llama-4-maverick',
    'mistralai/mistral-large',
    'models/gemini-2.5-flash',
    'google/../../x',
    'google/',
    'gemini 2.5',
    'gemini?key=1',
    'projects/p/locations/l/endpoints/1',
    '',
  ])('refuses the model %j', (model) => {
    expect(() => adapterOf().buildRequest(callOf(model))).toThrow(InvalidRequestError);
  });

  it('has a key in its own header, in express mode alone a list of models', () => {
    expect(adapterOf().authHeaders('k')).toEqual({ 'x-goog-api-key': 'k' });
    expect(adapterOf().authHeaders(undefined)).toEqual({});
    expect(adapterOf().modelList).toEqual({
      path: '/v1beta1/publishers/google/models?pageSize=1',
      headers: {},
    });
    expect(adapterOf({ isExpress: true }).modelList).toBeUndefined();
  });

  describe('for Gemini', () => {
    it('says what the Gemini API is told, schemas included', () => {
      const request = {
        ...jsonSchema,
        tools: [
          { type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } },
        ],
        metadata: { team: 'a' },
        temperature: 0.5,
        logprobs: true,
        top_logprobs: 3,
      };
      const call = callOf('gemini-3-flash-preview', request, { reasoning: true });
      const body = bodyOf(call);
      expect(body).toEqual(new GeminiAdapter().buildRequest(call).body);
      expect(body).toMatchObject({
        tools: [{ functionDeclarations: [{ parametersJsonSchema: { type: 'object' } }] }],
        generationConfig: { responseJsonSchema: { type: 'object' }, responseLogprobs: true, logprobs: 3 },
      });
      expect(body).not.toHaveProperty('labels');
    });

    it('replays calls and results without ids, with the signature', () => {
      const body = JSON.stringify(bodyOf(callOf('gemini-3-pro-preview', toolLoop)));
      expect(body).not.toContain('call_1');
      expect(body).toContain('"functionCall":{"name":"weather","args":{}}');
      expect(body).toContain('"functionResponse":{"name":"weather","response":{"sky":"blue"}}');
      expect(body).toContain('thoughtSignature');
      // The Gemini API takes them.
      const elsewhere = new GeminiAdapter().buildRequest(callOf('gemini-3-pro-preview', toolLoop)).body;
      expect(JSON.stringify(elsewhere)).toContain('call_1');
    });

    it('has https pictures fetched for every model', () => {
      const request = image('https://example.com/a.PNG?x=1');
      expect(bodyOf(callOf('gemini-2.0-flash', request))).toMatchObject({
        contents: [
          { parts: [{ fileData: { mimeType: 'image/png', fileUri: 'https://example.com/a.PNG?x=1' } }] },
        ],
      });
      expect(() => bodyOf(callOf('gemini-2.5-flash', image('http://example.com/a.png')))).toThrow(
        InvalidRequestError,
      );
      expect(() => bodyOf(callOf('gemini-2.5-flash', image('https://example.com/a')))).toThrow(
        InvalidRequestError,
      );
    });

    it.each([
      [image('gs://bucket/dir/a.jpg'), 'image/jpeg', 'gs://bucket/dir/a.jpg'],
      [file('gs://bucket/report.PDF'), 'application/pdf', 'gs://bucket/report.PDF'],
      [file('gs://bucket/talk.mp3'), 'audio/mp3', 'gs://bucket/talk.mp3'],
    ])('passes files in buckets on by option alone', (request, mimeType, fileUri) => {
      const call = callOf('gemini-2.5-flash', request);
      expect(bodyOf(call, { readsBuckets: true })).toMatchObject({
        contents: [{ parts: [{ fileData: { mimeType, fileUri } }] }],
      });
      expect(() => bodyOf(call)).toThrow(InvalidRequestError);
      expect(() => new GeminiAdapter().buildRequest(call)).toThrow(InvalidRequestError);
    });

    it.each([image('gs://bucket/a.gif'), image('gs://bucket'), file('gs://bucket/a'), image('gs:///a.png')])(
      'refuses the bucket address in %j',
      (request) => {
        expect(() => bodyOf(callOf('gemini-2.5-flash', request), { readsBuckets: true })).toThrow(
          InvalidRequestError,
        );
      },
    );
  });

  describe('for Claude', () => {
    const model = 'claude-sonnet-4-5@20250929';

    it("sends Anthropic's body, with the version in it and the model in the path", () => {
      expect(bodyOf(callOf(model))).toEqual({
        anthropic_version: 'vertex-2023-10-16',
        max_tokens: expect.any(Number) as number,
        messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }],
      });
      expect(bodyOf(callOf(model, {}, { stream: true }))).toMatchObject({ stream: true });
      expect(adapterOf().buildRequest(callOf(model)).headers).toEqual({});
    });

    it('asks for JSON by a tool, and reads the answer out of it, streamed or not', () => {
      const call = callOf('claude-opus-4-6', jsonSchema);
      const body = bodyOf(call) as { tools: { name: string }[]; output_config?: unknown };
      expect(body.output_config).toBeUndefined();
      const { name } = body.tools[0]!;
      const answer = {
        id: 'msg_1',
        content: [{ type: 'tool_use', id: 't', name, input: { name: 'Paris' } }],
        stop_reason: 'tool_use',
        usage: { input_tokens: 3, output_tokens: 4 },
      };
      const { completion, usage } = adapterOf().parseAnswer(answer, call);
      expect(completion.choices[0]).toMatchObject({
        finish_reason: 'stop',
        message: { content: '{"name":"Paris"}' },
      });
      expect(usage).toMatchObject({ promptTokens: 3, completionTokens: 4 });
      // Of another call object too: nobody has to have built a request first.
      const translator = adapterOf().createStreamTranslator(callOf('claude-opus-4-6', jsonSchema));
      const events = [
        { type: 'message_start', message: { id: 'msg_1', usage: { input_tokens: 3 } } },
        { type: 'vertex_event' },
        { type: 'content_block_start', index: 0, content_block: { type: 'tool_use', id: 't', name } },
        {
          type: 'content_block_delta',
          index: 0,
          delta: { type: 'input_json_delta', partial_json: '{"name":"Paris"}' },
        },
        { type: 'content_block_stop', index: 0 },
        { type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 4 } },
        { type: 'message_stop' },
      ];
      const chunks = [
        ...events.flatMap((event) => translator.push({ event: event.type, data: JSON.stringify(event) })),
        ...translator.end(),
      ];
      const text = chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('');
      expect(text).toBe('{"name":"Paris"}');
      expect(translator.usage).toMatchObject({ promptTokens: 3, completionTokens: 4 });
    });

    it('refuses images by address, and takes those in the request', () => {
      const png =
        'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
      expect(() => bodyOf(callOf(model, image('https://example.com/a.png')))).toThrow(
        expect.objectContaining({ param: 'messages[0].content[0]' }) as Error,
      );
      expect(() => bodyOf(callOf(model, image('gs://bucket/a.png')), { readsBuckets: true })).toThrow(
        InvalidRequestError,
      );
      expect(JSON.stringify(bodyOf(callOf(model, image(png))))).toContain('"type":"base64"');
    });
  });

  it.each([
    [
      429,
      { error: { code: 429, message: 'x', status: 'RESOURCE_EXHAUSTED' } },
      'rate_limited',
      'RESOURCE_EXHAUSTED',
    ],
    [404, [{ error: { code: 404, message: 'x', status: 'NOT_FOUND' } }], 'not_found', 'NOT_FOUND'],
    [
      401,
      {
        error: {
          code: 401,
          message: 'x',
          status: 'UNAUTHENTICATED',
          details: [{ reason: 'ACCESS_TOKEN_EXPIRED' }],
        },
      },
      'authentication',
      'ACCESS_TOKEN_EXPIRED',
    ],
    [
      400,
      { error: { code: 400, message: 'x', status: 'FAILED_PRECONDITION' } },
      'permission',
      'FAILED_PRECONDITION',
    ],
    [
      400,
      { type: 'error', error: { type: 'invalid_request_error', message: 'prompt is too long: 9 tokens' } },
      'context_length',
      'invalid_request_error',
    ],
    [
      529,
      { type: 'error', error: { type: 'overloaded_error', message: 'x' } },
      'overloaded',
      'overloaded_error',
    ],
    [200, { error: { code: 503, message: 'x', status: 'UNAVAILABLE' } }, 'overloaded', 'UNAVAILABLE'],
    [502, '<html>', 'server_error', undefined],
  ])('maps %i %j to %s', (status, body, kind, providerCode) => {
    const error = adapterOf().parseError({ status, headers: {}, body });
    expect({ kind: error.kind, providerCode: error.providerCode }).toEqual({ kind, providerCode });
  });
});
