import { describe, expect, it } from 'vitest';
import { PRESET_NAMES, PROVIDER_PRESETS, type PresetName } from '../../catalog/index.js';
import { validateEmbeddingRequest } from '../../chat/index.js';
import { OpenAiAdapter } from './openai.adapter.js';

function bodyOf(name: PresetName | undefined, fields: object): unknown {
  const adapter = new OpenAiAdapter({
    compatible: true,
    ...(name === undefined ? {} : { preset: PROVIDER_PRESETS[name] }),
  });
  const request = validateEmbeddingRequest({ model: 'auto', input: 'Hi', ...fields });
  return adapter.embeddings.buildRequest({ upstreamModel: 'm', request }).body;
}

const ALL = { dimensions: 256, user: 'u', encoding_format: 'base64', input_type: 'query' };

describe('a request of embeddings', () => {
  it('goes to a server of unknown habits as it came', () => {
    expect(bodyOf(undefined, ALL)).toEqual({ model: 'm', input: 'Hi', ...ALL });
  });

  it('is said to Mistral in its words, without what it refuses', () => {
    expect(bodyOf('mistral', ALL)).toEqual({
      model: 'm',
      input: 'Hi',
      output_dimension: 256,
      encoding_format: 'base64',
      input_type: 'query',
    });
  });

  it.each(PRESET_NAMES)('has at %s what its preset says, and nothing that was not asked for', (name) => {
    expect(bodyOf(name, {})).toEqual({ model: 'm', input: 'Hi' });
    const { omittedFields, renamedEmbeddingFields } = PROVIDER_PRESETS[name].quirks;
    const body = bodyOf(name, { ...ALL, ...Object.fromEntries(omittedFields.map((field) => [field, 'x'])) });
    for (const field of omittedFields) expect(body).not.toHaveProperty([field]);
    expect(body).toHaveProperty([renamedEmbeddingFields?.dimensions ?? 'dimensions'], 256);
  });

  it('cannot be made to ask another model or for another input by fields of its own', () => {
    const request = validateEmbeddingRequest({ model: 'auto', input: 'Hi' });
    const extras = { model: 'other', input: 'other' };
    const { body } = new OpenAiAdapter({ compatible: true }).embeddings.buildRequest({
      upstreamModel: 'm',
      request: { ...request, extras },
    });
    expect(body).toEqual({ model: 'm', input: 'Hi' });
  });
});
