import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import * as errors from './index.js';
import { LlmRouterError } from './llm-router-error.js';

describe('ConfigurationError', () => {
  it('lists every problem by its path in its message', () => {
    const issues = [
      { path: '', message: 'nothing' },
      { path: 'a.b', message: 'wrong' },
    ];
    const error = new errors.ConfigurationError(issues);
    expect(error.message).toBe(
      'Invalid LLM router configuration (2 problems):\n  (root): nothing\n  a.b: wrong',
    );
    expect(new errors.ConfigurationError(issues.slice(1)).message).toContain('(1 problem):');
    expect(error.issues).toEqual(issues);
  });

  it('prints as its message alone: no frames, no field, no issue twice', () => {
    const error = new errors.ConfigurationError([{ path: 'a.b', message: 'wrong' }]);
    expect(inspect(error)).toBe(
      `[ConfigurationError: ${error.message}] {\n  code: 'invalid_configuration'\n}`,
    );
    expect(error).toMatchObject({ status: 500, type: 'server_error', isRetryable: false });
  });
});

describe('LlmRouterError', () => {
  it('knows its own across copies of the package, and nothing else', () => {
    const foreign = { [Symbol.for('nestjs-llm-router.error')]: true };
    for (const own of [new errors.InvalidRequestError('x', 'y'), new errors.InternalError(), foreign]) {
      expect(LlmRouterError.isInstance(own)).toBe(true);
    }
    for (const other of [new Error('x'), null, undefined, 'x', 5, {}])
      expect(LlmRouterError.isInstance(other)).toBe(false);
  });

  it('carries its class name, its param, and no cause where there is none', () => {
    const error = new errors.InvalidRequestError('`n` is wrong.', 'n');
    expect(error).toMatchObject({ name: 'InvalidRequestError', param: 'n', status: 400, isRetryable: false });
    expect('cause' in error).toBe(false);
    expect(Object.keys(error)).not.toContain('cause');
    expect(inspect(error)).toContain('InvalidRequestError: `n` is wrong.');
  });

  it('prints what it knows, and nothing undefined', () => {
    const error = new errors.InternalError();
    expect(inspect(error)).not.toContain('undefined');
    expect(error.decisionId).toBeUndefined();
    error.decisionId = 'dec_1';
    expect(inspect(error)).toContain("decisionId: 'dec_1'");
    expect(inspect(new errors.InvalidRequestError('x', 'n'))).toContain("param: 'n'");
  });

  it('names the kind and the code of a refusal, once where they are the same', () => {
    const messageOf = (providerCode?: string): string =>
      new errors.UpstreamRejectedError(
        new errors.ProviderError({
          kind: 'content_filter',
          ...(providerCode === undefined ? {} : { providerCode }),
        }),
        undefined,
      ).message;
    expect(messageOf('content_filter')).toBe('The provider refused the request (content_filter).');
    expect(messageOf()).toBe('The provider refused the request (content_filter).');
    expect(messageOf('SAFETY')).toBe('The provider refused the request (content_filter, SAFETY).');
  });

  it('lists why no model was eligible', () => {
    const rejected = [{ model: 'a', provider: 'p', reason: 'quality_floor', detail: 'unrated' }];
    expect(new errors.NoEligibleModelError(rejected)).toMatchObject({
      message: 'No model may serve this request: a: unrated.',
      status: 400,
      rejected,
    });
    expect(new errors.NoEligibleModelError([]).message).toBe('No model may serve this request.');
  });
});
