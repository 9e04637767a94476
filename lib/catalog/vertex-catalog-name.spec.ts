import { describe, expect, it } from 'vitest';
import { vertexCatalogName } from './vertex-catalog-name.js';

describe('vertexCatalogName', () => {
  it.each([
    ['claude-sonnet-4-5@20250929', 'claude-sonnet-4-5-20250929'],
    ['anthropic/claude-opus-4-6', 'claude-opus-4-6'],
    ['publishers/anthropic/models/claude-opus-4-6@default', 'claude-opus-4-6'],
    ['google/gemini-2.5-pro', 'gemini-2.5-pro'],
    ['meta/llama-4', 'meta/llama-4'],
  ])('of %s is %s', (name, expected) => {
    expect(vertexCatalogName(name)).toBe(expected);
  });
});
