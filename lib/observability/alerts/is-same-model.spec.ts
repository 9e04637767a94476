import { describe, expect, it } from 'vitest';
import { isSameModel } from './is-same-model.js';

describe('isSameModel', () => {
  it.each([
    ['gpt-4o', 'gpt-4o-2024-08-06'],
    ['gpt-4', 'gpt-4-0613'],
    ['gpt-4o-2024-05-13', 'gpt-4o-2024-08-06'],
    ['claude-sonnet-4-5', 'claude-sonnet-4-5-20250929'],
    ['claude-3-5-sonnet-latest', 'claude-3-5-sonnet-20241022'],
    ['gemini-2.5-flash', 'gemini-2.5-flash-preview-05-20'],
    ['gemini-1.5-pro', 'models/gemini-1.5-pro-002'],
    ['anthropic.claude-sonnet-4-5-20250929-v1:0', 'claude-sonnet-4-5-20250929'],
    ['us.anthropic.claude-sonnet-4-5-20250929-v1:0', 'claude-sonnet-4-5-20250929'],
    ['meta-llama/Llama-3.3-70B-Instruct', 'llama-3.3-70b-instruct'],
    ['accounts/fireworks/models/llama-v3p3-70b-instruct', 'llama-v3p3-70b-instruct'],
    ['deepseek/deepseek-r1:free', 'deepseek-r1'],
    ['llama3.2:latest', 'llama3.2'],
    ['mistral-large-latest', 'mistral-large-2411'],
  ])('takes what was asked for as %s to have been answered as %s', (asked, reported) => {
    expect(isSameModel(reported, [asked])).toBe(true);
  });

  it.each([
    ['gpt-4o', 'gpt-4o-mini'],
    ['gpt-4', 'gpt-4o'],
    ['gpt-4', 'gpt-4.1'],
    ['claude-sonnet-4-5', 'claude-haiku-4-5-20251001'],
    ['claude-opus-4-1', 'claude-opus-4'],
    ['gemini-2.5-pro', 'gemini-2.5-flash'],
    ['llama-3.3-70b', 'llama-3.1-70b'],
    ['llama-3.3-70b', 'llama-3.3-8b'],
    ['o3', 'o3-mini'],
    ['2024', 'anything'],
  ])('takes %s for another than %s', (asked, reported) => {
    expect(isSameModel(reported, [asked])).toBe(false);
  });
});
