import { describe, expect, it } from 'vitest';
import { proxyFor, readProxyEnvironment } from './proxy-environment.js';

const PROXY = 'http://proxy.test:3128';

function choose(url: string, environment: NodeJS.ProcessEnv): string | undefined {
  const proxies = readProxyEnvironment(environment);
  return proxies === undefined ? undefined : proxyFor(new URL(url), proxies)?.href;
}

describe('proxy environment', () => {
  it.each([
    ['nothing set', 'https://a.test', {}, undefined],
    ['empty', 'https://a.test', { HTTPS_PROXY: '' }, undefined],
    ['upper case', 'https://a.test', { HTTPS_PROXY: PROXY }, PROXY],
    ['lower case wins', 'https://a.test', { https_proxy: PROXY, HTTPS_PROXY: 'http://other.test' }, PROXY],
    ['https by HTTP_PROXY', 'https://a.test', { HTTP_PROXY: PROXY }, PROXY],
    ['http by HTTP_PROXY', 'http://a.test', { http_proxy: PROXY }, PROXY],
    ['http not by HTTPS_PROXY', 'http://a.test', { HTTPS_PROXY: PROXY }, undefined],
    ['no scheme', 'https://a.test', { HTTPS_PROXY: 'proxy.test:3128' }, PROXY],
  ])('%s', (_name, url, environment, expected) => {
    expect(choose(url, environment)).toBe(expected === undefined ? undefined : `${expected}/`);
  });

  it.each([
    ['*', 'https://a.test', true],
    ['a.test', 'https://a.test', true],
    ['A.TEST', 'https://a.test', true],
    ['a.test', 'https://sub.a.test', true],
    ['.a.test', 'https://sub.a.test', true],
    ['*.a.test', 'https://sub.a.test', true],
    ['a.test', 'https://not-a.test', false],
    ['b.test, a.test', 'https://a.test', true],
    ['b.test a.test', 'https://a.test', true],
    ['a.test:443', 'https://a.test', true],
    ['a.test:8443', 'https://a.test', false],
    ['127.0.0.1', 'https://127.0.0.1:8080', true],
    ['[::1]', 'https://[::1]:8080', true],
    ['', 'https://127.0.0.1', false],
  ])('NO_PROXY=%j spares %s: %s', (noProxy, url, spared) => {
    expect(choose(url, { HTTPS_PROXY: PROXY, NO_PROXY: noProxy })).toBe(spared ? undefined : `${PROXY}/`);
  });

  it.each(['socks5://user:secret@proxy.test', 'http://', 'file:///etc/passwd'])('refuses %s', (value) => {
    expect(() => readProxyEnvironment({ HTTPS_PROXY: value })).toThrow(
      'HTTPS_PROXY is not an http: or https: address',
    );
    expect(() => readProxyEnvironment({ HTTPS_PROXY: value })).not.toThrow('secret');
  });
});
