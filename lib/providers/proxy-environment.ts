/** The proxy variables of an environment; lower case wins over upper case, as in curl. */
export interface ProxyEnvironment {
  /** Proxy for `http:` addresses. */
  readonly httpProxy: string | undefined;
  /** Proxy for `https:` addresses: `HTTPS_PROXY`, or else `HTTP_PROXY`. */
  readonly httpsProxy: string | undefined;
  readonly noProxy: string;
}

/**
 * Undefined: no proxy is set. An empty variable counts as unset; one without a scheme is read as `http:`.
 *
 * @throws When a variable is not an `http:` or `https:` address. The message leaves the value out: it may hold a
 * password.
 */
export function readProxyEnvironment(environment: NodeJS.ProcessEnv): ProxyEnvironment | undefined {
  const read = (name: string): string | undefined => {
    const value = environment[name.toLowerCase()] ?? environment[name];
    return value === undefined || value === '' ? undefined : value;
  };
  const readAddress = (name: string): string | undefined => {
    const value = read(name);
    if (value === undefined) {
      return undefined;
    }
    const address = value.includes('://') ? value : `http://${value}`;
    if (!/^https?:/i.test(address) || !URL.canParse(address)) {
      throw new Error(`The environment variable ${name} is not an http: or https: address.`);
    }
    return address;
  };
  const httpProxy = readAddress('HTTP_PROXY');
  const httpsProxy = readAddress('HTTPS_PROXY') ?? httpProxy;
  return httpsProxy === undefined ? undefined : { httpProxy, httpsProxy, noProxy: read('NO_PROXY') ?? '' };
}

const DEFAULT_PORTS: ReadonlyMap<string, string> = new Map([
  ['http:', '80'],
  ['https:', '443'],
]);

/**
 * The proxy an address goes through, by the rules of undici's `EnvHttpProxyAgent`, so that both HTTP clients agree: an
 * entry of `NO_PROXY` names a host and its subdomains, with or without a leading dot or `*.`, and may name a port;
 * `*` alone means every host. Address ranges are not understood. Loopback is no exception: name it in `NO_PROXY`.
 */
export function proxyFor(target: URL, proxies: ProxyEnvironment): URL | undefined {
  const proxy = target.protocol === 'https:' ? proxies.httpsProxy : proxies.httpProxy;
  if (proxy === undefined || proxies.noProxy === '*') {
    return undefined;
  }
  const port = target.port === '' ? DEFAULT_PORTS.get(target.protocol) : target.port;
  const hostname = target.hostname.toLowerCase();
  for (const entry of proxies.noProxy.split(/[,\s]/)) {
    if (entry === '') {
      continue;
    }
    const parsed = /^(.+):(\d+)$/.exec(entry);
    const name = (parsed?.[1] ?? entry).replace(/^\*?\./, '').toLowerCase();
    if (parsed !== null && parsed[2] !== port) {
      continue;
    }
    if (hostname === name || hostname.endsWith(`.${name}`)) {
      return undefined;
    }
  }
  return new URL(proxy);
}
