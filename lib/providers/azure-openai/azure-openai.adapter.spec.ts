import { describe, expect, it } from 'vitest';
import { InvalidRequestError } from '../../errors/invalid-request-error.js';
import type { ProviderCall } from '../provider-adapter.js';
import { AzureOpenAiAdapter } from './azure-openai.adapter.js';

const callOf = (request: object = {}, rest: Partial<ProviderCall> = {}): ProviderCall => ({
  upstreamModel: 'my 4o/eu',
  request: { model: 'auto', messages: [{ role: 'user', content: 'Hi' }], ...request },
  stream: false,
  maxOutputTokens: undefined,
  modelMaxOutputTokens: undefined,
  reasoning: false,
  ...rest,
});
const build = (apiVersion: string | undefined, request?: object, rest?: Partial<ProviderCall>) => {
  const wire = new AzureOpenAiAdapter({ apiVersion }).buildRequest(callOf(request, rest));
  return { ...wire, body: wire.body as Record<string, unknown> };
};

describe('AzureOpenAiAdapter', () => {
  it.each([
    [undefined, '/openai/v1/chat/completions'],
    ['v1', '/openai/v1/chat/completions?api-version=v1'],
    ['preview', '/openai/v1/chat/completions?api-version=preview'],
    ['2024-10-21', '/openai/deployments/my%204o%2Feu/chat/completions?api-version=2024-10-21'],
  ])('version %s is at %s', (apiVersion, path) => {
    expect(build(apiVersion)).toMatchObject({ path, body: { model: 'my 4o/eu' } });
  });

  it('sends the key in its own header', () => {
    const adapter = new AzureOpenAiAdapter({ apiVersion: undefined });
    expect(adapter.authHeaders('k')).toEqual({ 'api-key': 'k' });
    expect(adapter.authHeaders(undefined)).toEqual({});
  });

  it.each([
    [undefined, false, 'max_completion_tokens', 'max_completion_tokens'],
    ['2024-10-21', false, 'max_completion_tokens', 'max_completion_tokens'],
    ['2024-09-01-preview', false, 'max_completion_tokens', 'max_completion_tokens'],
    ['2024-06-01', false, 'max_completion_tokens', 'max_tokens'],
    ['2024-10-21', false, 'max_tokens', 'max_tokens'],
    ['2024-10-21', false, 'maxOutputTokens', 'max_tokens'],
    ['2024-06-01', true, 'max_tokens', 'max_completion_tokens'],
  ])(
    'limits the output under version %s, reasoning %s, asked in %s, by %s',
    (version, reasoning, asked, by) => {
      const isOfRouter = asked === 'maxOutputTokens';
      const rest = { reasoning, ...(isOfRouter ? { maxOutputTokens: 9 } : {}) };
      const { body } = build(version, isOfRouter ? {} : { [asked]: 9 }, rest);
      expect(body).toMatchObject({ [by]: 9 });
      expect('max_tokens' in body && 'max_completion_tokens' in body).toBe(false);
    },
  );

  it('leaves out what a version does not know', () => {
    const request = { store: false, prediction: { type: 'content', content: 'x' }, reasoning_effort: 'low' };
    const rest = { stream: true };
    expect(build(undefined, request, rest).body).toMatchObject({ ...request, stream_options: {} });
    expect(Object.keys(build('2024-06-01', request, rest).body).sort()).toEqual(
      ['messages', 'model', 'reasoning_effort', 'stream'].sort(),
    );
    expect(build('2025-01-01-preview', request, rest).body).toMatchObject({
      ...request,
      stream_options: { include_usage: true },
    });
    const format = { response_format: { type: 'json_schema', json_schema: { name: 'x', schema: {} } } };
    expect(() => build('2024-06-01', format)).toThrow(InvalidRequestError);
    expect(build('2024-10-21', format).body).toMatchObject(format);
  });

  it.each([
    [404, { error: { code: 'DeploymentNotFound', message: 'x' } }, 'not_found', true],
    [404, { error: { code: '404', message: 'Resource not found' } }, 'not_found', true],
    [400, { error: { code: 'OperationNotSupported', message: 'x' } }, 'not_found', true],
    [400, { error: { code: 'BadRequest', message: 'API version not supported' } }, 'not_found', true],
    [400, { error: { code: null, message: "Invalid value for 'temperature'." } }, 'invalid_request', false],
    [400, { error: { code: 'content_filter', message: 'x', innererror: {} } }, 'content_filter', false],
    [
      400,
      { error: { code: null, message: 'x', innererror: { code: 'ResponsibleAIPolicyViolation' } } },
      'content_filter',
      false,
    ],
    [
      401,
      { statusCode: 401, message: 'Access denied due to missing subscription key.' },
      'authentication',
      true,
    ],
    [429, { error: { code: '429', message: 'x' } }, 'rate_limited', true],
  ])('maps %i %j to %s', (status, body, kind, isRetryable) => {
    const headers: Record<string, string> =
      status === 429 ? { 'retry-after-ms': '250', 'retry-after': '1' } : {};
    const error = new AzureOpenAiAdapter({ apiVersion: undefined }).parseError({ status, headers, body });
    expect({ kind: error.kind, isRetryable: error.isRetryable, status: error.status }).toEqual({
      kind,
      isRetryable,
      status,
    });
    expect(error.retryAfterMs).toBe(status === 429 ? 250 : undefined);
  });
});
