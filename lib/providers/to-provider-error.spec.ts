import { inspect } from 'node:util';
import { AxiosError } from 'axios';
import { errors } from 'undici';
import { describe, expect, it } from 'vitest';
import { ProviderError } from '../errors/provider-error.js';
import { toProviderError } from './to-provider-error.js';

const withCode = (code: string, more: object = {}): Error =>
  Object.assign(new Error('sk-secret in the message'), { code, ...more });

describe('toProviderError', () => {
  it.each([
    ['a refused connection', withCode('ECONNREFUSED'), 'connection', 'ECONNREFUSED'],
    ['an unknown host', withCode('ENOTFOUND'), 'connection', 'ENOTFOUND'],
    ['an expired certificate', withCode('CERT_HAS_EXPIRED'), 'connection', 'CERT_HAS_EXPIRED'],
    ['every address refused', new AggregateError([withCode('ECONNREFUSED')]), 'connection', 'ECONNREFUSED'],
    ['a cause', new Error('fetch failed', { cause: withCode('ECONNRESET') }), 'connection', 'ECONNRESET'],
    ['a socket closed', new errors.SocketError('other side closed'), 'connection', 'ECONNRESET'],
    ['a short body', new errors.ResponseContentLengthMismatchError(), 'connection', 'ECONNRESET'],
    ['a premature close', withCode('ERR_STREAM_PREMATURE_CLOSE'), 'connection', 'ECONNRESET'],
    ["undici's connect timeout", new errors.ConnectTimeoutError('x'), 'timeout', 'connect_timeout'],
    ["the kernel's", withCode('ETIMEDOUT', { syscall: 'connect' }), 'timeout', 'connect_timeout'],
    ['a read that timed out', withCode('ETIMEDOUT', { syscall: 'read' }), 'connection', 'ETIMEDOUT'],
    ['no HTTP', withCode('HPE_INVALID_CONSTANT'), 'bad_response', 'HPE_INVALID_CONSTANT'],
    ['broken gzip', withCode('Z_DATA_ERROR'), 'bad_response', 'Z_DATA_ERROR'],
    ['broken brotli', withCode('ERR__ERROR_FORMAT_PADDING_1'), 'bad_response', 'ERR__ERROR_FORMAT_PADDING_1'],
    ['a code that is a sentence', withCode('the prompt was: secret'), 'connection', undefined],
    ['a plain error', new Error('sk-secret'), 'connection', undefined],
    ['no error at all', 'sk-secret', 'connection', undefined],
    ['nothing', undefined, 'connection', undefined],
  ])('%s', (_name, thrown, kind, providerCode) => {
    const error = toProviderError(thrown);
    expect(error).toBeInstanceOf(ProviderError);
    expect(error).toMatchObject({ kind, providerCode });
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain('secret');
    expect(error.cause).toBeUndefined();
  });

  it('keeps nothing of an AxiosError but its code', () => {
    const config = { headers: { 'x-api-key': 'sk-secret' }, data: 'prompt' };
    const error = toProviderError(new AxiosError('sk-secret', 'ECONNRESET', config as never));
    expect(error).toMatchObject({ kind: 'connection', providerCode: 'ECONNRESET' });
    expect(inspect(error, { depth: 10, showHidden: true })).not.toMatch(/secret|prompt/);
  });

  it('leaves a ProviderError as it is', () => {
    const error = new ProviderError({ kind: 'overloaded' });
    expect(toProviderError(error)).toBe(error);
  });

  it('ends on a circle of causes', () => {
    const error = new Error('a');
    error.cause = error;
    expect(toProviderError(error).kind).toBe('connection');
  });
});
