import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProviderError } from '../../errors/provider-error.js';
import type { ProviderCall } from '../provider-adapter.js';
import { AiSdkStreamTranslator } from './ai-sdk-stream-translator.js';
import { fromAiSdkResult } from './from-ai-sdk-result.js';
import { refuseDroppedFeatures } from './refuse-dropped-features.js';

function callOf(request: object): ProviderCall {
  return {
    upstreamModel: 'm',
    request: { model: 'm', messages: [{ role: 'user', content: 'Hello' }], ...request },
    stream: false,
    maxOutputTokens: undefined,
    modelMaxOutputTokens: undefined,
    reasoning: false,
  };
}

const tools = [{ type: 'function', function: { name: 'f' } }];
const schema = {
  response_format: { type: 'json_schema', json_schema: { name: 'a', schema: { type: 'object' } } },
};
const json = { response_format: { type: 'json_object' } };
const forced = { tools, tool_choice: 'required' };
const named = { tools, tool_choice: { type: 'function', function: { name: 'f' } } };

function errorOf(run: () => unknown): ProviderError | undefined {
  try {
    run();
  } catch (error) {
    if (error instanceof ProviderError) return error;
    throw error;
  }
  return undefined;
}

const CONTENT = { content: [{ type: 'text', text: 'Hi' }], finishReason: 'stop' };
const answered = (warning: unknown, request: object): ProviderError | undefined =>
  errorOf(() => fromAiSdkResult({ ...CONTENT, warnings: [{ type: 'other' }, warning] }, callOf(request)));
const streamed = (warning: unknown, request: object): ProviderError | undefined =>
  errorOf(() =>
    new AiSdkStreamTranslator(callOf(request)).push({ type: 'stream-start', warnings: [warning] }),
  );

describe('a warning of a model of the AI SDK', () => {
  it.each([
    [{ type: 'unsupported-setting', setting: 'responseFormat' }, schema, 'unsupported_response_format'],
    [{ type: 'unsupported', feature: 'responseFormat' }, schema, 'unsupported_response_format'],
    [{ type: 'unsupported', feature: 'response format' }, json, 'unsupported_response_format'],
    [{ type: 'unsupported-setting', setting: 'tools' }, { tools }, 'unsupported_tools'],
    [{ type: 'unsupported-tool', tool: {} }, { tools }, 'unsupported_tools'],
    [{ type: 'unsupported', feature: 'tools' }, { tools }, 'unsupported_tools'],
    [{ type: 'unsupported-setting', setting: 'toolChoice' }, forced, 'unsupported_tool_choice'],
    [{ type: 'unsupported', feature: 'tool choice' }, named, 'unsupported_tool_choice'],
  ])('%j with %j is an answer to another question', (warning, request, providerCode) => {
    const expected = { kind: 'bad_response', status: 200, providerCode, isRetryable: true };
    expect(answered(warning, request)).toMatchObject(expected);
    expect(streamed(warning, request)).toMatchObject(expected);
  });

  it.each([
    [
      { type: 'unsupported-setting', setting: 'temperature' },
      { ...forced, ...schema },
    ],
    [
      { type: 'unsupported', feature: 'topK' },
      { ...forced, ...schema },
    ],
    [{ type: 'compatibility', feature: 'responseFormat' }, schema],
    [{ type: 'other', message: 'tools' }, forced],
    [{ type: 'unsupported', feature: 'responseFormat' }, { tools }],
    [{ type: 'unsupported', feature: 'tools' }, schema],
    [
      { type: 'unsupported', feature: 'toolChoice' },
      { tools, tool_choice: 'auto' },
    ],
    [{ type: 'unsupported', feature: 'toolChoice' }, { tool_choice: 'required' }],
  ])('%j with %j does no harm', (warning, request) => {
    expect(answered(warning, request)).toBeUndefined();
    expect(streamed(warning, request)).toBeUndefined();
  });

  it('may be anything', () => {
    fc.assert(
      fc.property(fc.anything(), (warnings) => {
        errorOf(() => {
          refuseDroppedFeatures(warnings, callOf(forced));
          refuseDroppedFeatures([warnings], callOf(forced));
        });
      }),
    );
  });
});
