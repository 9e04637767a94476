import { describe, expect, it } from 'vitest';
import { makerAt } from './maker-hosts.js';

describe('makerAt', () => {
  it.each([
    ['https://api.deepseek.com', 'deepseek'],
    ['https://api.mistral.ai/v1', 'mistral'],
    ['https://API.X.AI/v1', 'xai'],
    ['https://api.mistral.ai.example.com/v1', undefined],
    ['http://127.0.0.1:1/v1', undefined],
    ['nonsense', undefined],
    ['', undefined],
  ])('%s: %s', (baseUrl, maker) => {
    expect(makerAt(baseUrl)).toBe(maker);
  });
});
