import { describe, expect, it } from 'vitest';
import { makerAt } from '../maker-hosts.js';
import { CATALOG_MODELS } from '../models.js';
import { PRESET_NAMES, presetOf, PROVIDER_PRESETS } from './presets.js';

const presets = Object.values(PROVIDER_PRESETS);

describe('the presets', () => {
  it('are listed by their own names', () => {
    expect(presets.map(({ name }) => name)).toEqual(PRESET_NAMES);
  });

  it.each(presets)('$name has an address without a slash at its end', ({ baseUrl, keyRequired }) => {
    expect(URL.canParse(baseUrl) && !baseUrl.endsWith('/')).toBe(true);
    expect(new URL(baseUrl).protocol).toBe(keyRequired ? 'https:' : 'http:');
  });

  it.each(presets.filter(({ keyRequired }) => keyRequired))(
    '$name is known by the host of its address',
    ({ name, baseUrl, hosts }) => {
      expect(hosts).toContain(new URL(baseUrl).hostname);
      expect(presetOf({ api: 'openai-compatible', baseUrl })?.name).toBe(name);
    },
  );

  it.each(presets.filter(({ maker }) => maker !== undefined))(
    '$name is the maker the list of hosts says it is, with models in the catalogue',
    ({ maker, baseUrl }) => {
      expect(makerAt(baseUrl)).toBe(maker);
      expect(CATALOG_MODELS.some((model) => model.maker === maker && model.source !== 'hosts')).toBe(true);
    },
  );

  it('claim no host twice, and none that is not theirs', () => {
    const hosts = presets.flatMap((preset) => preset.hosts);
    expect(new Set(hosts).size).toBe(hosts.length);
    const makers = presets.flatMap(({ hosts: own, maker }) =>
      own.map((host) => makerAt(`https://${host}`) ?? maker),
    );
    expect(makers).toEqual(presets.flatMap(({ hosts: own, maker }) => own.map(() => maker)));
  });
});

describe('presetOf', () => {
  it.each([
    [{ api: 'mistral' }, 'mistral'],
    [{ api: 'mistral', baseUrl: 'http://127.0.0.1:1/v1' }, 'mistral'],
    [{ api: 'openai-compatible', baseUrl: 'https://API.Groq.com/openai/v1' }, 'groq'],
    [{ api: 'openai-compatible', baseUrl: 'https://api.groq.com.example.com/v1' }, undefined],
    [{ api: 'openai-compatible', baseUrl: 'http://127.0.0.1:11434/v1' }, undefined],
    [{ api: 'openai-compatible', baseUrl: 'nonsense' }, undefined],
    [{ api: 'openai-compatible', baseUrl: null }, undefined],
    [{ api: 'openai-compatible' }, undefined],
    [{ api: 'openai', baseUrl: 'https://api.groq.com/openai/v1' }, undefined],
    [{ api: '__proto__' }, undefined],
    [{ api: 'toString' }, undefined],
  ])('of %j is %s', (provider, name) => {
    expect(presetOf(provider)?.name).toBe(name);
  });
});
