import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { ProviderError } from './provider-error.js';

const KEY = 'sk-0123456789abc';

describe('ProviderError.withoutSecrets', () => {
  it.each([{ providerCode: `key_${KEY}` }, { param: KEY }])(
    'leaves a name out that quotes one: %o',
    (names) => {
      const error = new ProviderError({
        kind: 'invalid_request',
        status: 422,
        retryAfterMs: 5,
        otherKeyReady: true,
        providerMessage: 'No',
        ...names,
      });
      const clean = error.withoutSecrets(['other-secret-9', KEY]);
      expect(inspect(clean, { showHidden: true })).not.toContain(KEY);
      expect(clean).toMatchObject({
        kind: 'invalid_request',
        status: 422,
        retryAfterMs: 5,
        otherKeyReady: true,
      });
      expect(clean.readProviderMessage()).toBe('No');
    },
  );

  it('is the same error where none is quoted, and where what is quoted is no secret', () => {
    const error = new ProviderError({ kind: 'not_found', providerCode: 'model_not_found', param: 'model' });
    expect(error.withoutSecrets([KEY, 'model', ''])).toBe(error);
  });
});
