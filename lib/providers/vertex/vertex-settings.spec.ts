import { describe, expect, it } from 'vitest';
import { ConfigurationError } from '../../errors/configuration-error.js';
import { readVertexSettings } from './vertex-settings.js';

describe('readVertexSettings', () => {
  it.each([
    [{}, {}, undefined, 'global'],
    [
      { project: 'mine', location: 'eu' },
      { GOOGLE_CLOUD_PROJECT: 'b', GOOGLE_CLOUD_LOCATION: 'us' },
      'mine',
      'eu',
    ],
    [{}, { GOOGLE_CLOUD_PROJECT: 'a', GCLOUD_PROJECT: 'b', GOOGLE_CLOUD_LOCATION: 'us' }, 'a', 'us'],
    [{}, { GOOGLE_CLOUD_PROJECT: '', GCLOUD_PROJECT: 'b', GOOGLE_CLOUD_LOCATION: '' }, 'b', 'global'],
    [{}, { GOOGLE_CLOUD_PROJECT: 'example.com:old' }, 'example.com:old', 'global'],
  ])('of %j in %j', (provider, environment, project, location) => {
    expect(readVertexSettings(provider, environment)).toEqual({
      project,
      location,
      isExpress: false,
      readsBuckets: false,
    });
  });

  it('of a key: neither project nor location, whatever the environment says', () => {
    const environment = { GOOGLE_CLOUD_PROJECT: 'a', GOOGLE_CLOUD_LOCATION: 'us' };
    expect(readVertexSettings({ apiKey: 'k', bucketFiles: true }, environment)).toEqual({
      project: undefined,
      location: 'global',
      isExpress: true,
      readsBuckets: true,
    });
  });

  it.each([
    { GOOGLE_CLOUD_PROJECT: 'a/../b' },
    { GCLOUD_PROJECT: '-' },
    { GOOGLE_CLOUD_LOCATION: 'evil.example/' },
    { GOOGLE_CLOUD_LOCATION: 'us.' },
  ])('refuses %j by the name of the variable', (environment) => {
    const [name = '', value = ''] = Object.entries(environment)[0] ?? [];
    const run = (): unknown => readVertexSettings({}, environment);
    expect(run).toThrow(ConfigurationError);
    expect(run).toThrow(name);
    expect(run).not.toThrow(value);
  });
});
