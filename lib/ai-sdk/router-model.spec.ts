import { generateText } from 'ai';
import { describe, expect, it } from 'vitest';
import { routerModel } from './router-model.js';

describe('routerModel() without an application', () => {
  it('can be made, and fails where it is called', async () => {
    const model = routerModel('auto');
    await expect(generateText({ model, prompt: 'Hello?' })).rejects.toThrow('No router runs in this process');
  });
});
