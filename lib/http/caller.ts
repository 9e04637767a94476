import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { type ApiKeyOptions, type HttpOptions, nameOfKey } from '../config/index.js';
import { InvalidApiKeyError } from '../errors/invalid-api-key-error.js';
import { SurfaceNotAllowedError } from '../errors/surface-not-allowed-error.js';

/** Who calls our routes. */
export interface Caller {
  /** Names the key without being it; undefined where no keys are configured. */
  readonly keyId: string | undefined;
  readonly tenant: string | undefined;
  /** Undefined: every surface. */
  readonly surfaces: readonly string[] | undefined;
  readonly isAdmin: boolean;
}

const LOOPBACK_ADDRESS = /^(?:::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3}$|^::1$/;
const LOOPBACK_HOST = /^(?:localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])(?::\d{1,5})?$/i;

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

const OPERATORS_ROUTE =
  /\/router\/(?:explain|kpis|savings|alerts|budgets|background|quality|decisions(?:\/[^/]+)?|ui(?:\/[^/]*)?)$/i;

function isOperatorsRoute(url: string): boolean {
  return OPERATORS_ROUTE.test(url.split('?', 1)[0] ?? '');
}

const JSON_TYPE = /^application\/json\s*(?:;|$)/i;

/**
 * The bearer; on the routes for operators also the password of a browser that was asked for one. A browser sends that
 * along with whatever any page makes it ask for, so it counts only for what our own page has asked.
 */
function presentedKey(request: IncomingMessage): string | undefined {
  const authorization = header(request, 'authorization') ?? '';
  const bearer = /^Bearer\s+(\S+)\s*$/i.exec(authorization)?.[1];
  if (bearer !== undefined) return bearer;
  const basic = /^Basic\s+([A-Za-z0-9+/=]+)\s*$/i.exec(authorization)?.[1];
  if (basic === undefined || !isOperatorsRoute(request.url ?? '')) return undefined;
  const site = header(request, 'sec-fetch-site') ?? 'none';
  const isOwnPage = site === 'same-origin' || site === 'none';
  const isReading = request.method === 'GET' || request.method === 'HEAD';
  if (!isOwnPage || !(isReading || JSON_TYPE.test(request.headers['content-type'] ?? ''))) return undefined;
  const [, password = ''] = /^[^:]*:([^]*)$/.exec(Buffer.from(basic, 'base64').toString('utf8')) ?? [];
  return password === '' ? undefined : password;
}

interface KnownKey {
  readonly digest: Buffer;
  readonly options: ApiKeyOptions;
  readonly id: string;
}

/** Knows the keys and says who a request is from. */
export class CallerGuard {
  readonly #keys: readonly KnownKey[];
  readonly #publicMetrics: boolean;

  constructor(options: HttpOptions) {
    this.#keys = (options.apiKeys ?? []).map((entry) => ({
      digest: digest(entry.key),
      options: entry,
      id: nameOfKey(entry.key),
    }));
    this.#publicMetrics = options.publicMetrics ?? false;
  }

  get hasKeys(): boolean {
    return this.#keys.length > 0;
  }

  /**
   * With keys: the bearer of a valid one. Without: anybody on this machine, whose Host header is this machine's (a
   * page in a browser cannot rebind its name to us) and, with a body, whose content type is JSON (nor post a form).
   *
   * @throws {@link InvalidApiKeyError}, {@link SurfaceNotAllowedError}.
   */
  identify(request: IncomingMessage): Caller {
    if (!this.hasKeys) {
      this.checkLoopback(request);
      return { keyId: undefined, tenant: undefined, surfaces: undefined, isAdmin: true };
    }
    const presented = presentedKey(request);
    if (presented === undefined) throw new InvalidApiKeyError();
    const presentedDigest = digest(presented);
    let found: KnownKey | undefined;
    // Every key is compared, whichever matches: the time tells nothing.
    for (const key of this.#keys) if (timingSafeEqual(key.digest, presentedDigest)) found = key;
    if (found === undefined) throw new InvalidApiKeyError('The API key is not valid.');
    const { tenant, surfaces, admin } = found.options;
    return {
      keyId: found.id,
      tenant: tenant ?? undefined,
      surfaces: surfaces ?? undefined,
      isAdmin: admin ?? false,
    };
  }

  /** @throws as {@link identify}, and {@link SurfaceNotAllowedError} for a key without `admin`. */
  identifyAdmin(request: IncomingMessage): Caller {
    const caller = this.identify(request);
    if (!caller.isAdmin) throw new SurfaceNotAllowedError('This route needs a key with `admin: true`.');
    return caller;
  }

  /** For `/metrics`, which an option opens. */
  checkMetrics(request: IncomingMessage): void {
    if (!this.#publicMetrics) this.identifyAdmin(request);
  }

  private checkLoopback(request: IncomingMessage): void {
    // A proxy on this machine is not the caller: whom it speaks for must be on this machine too.
    const named = [header(request, 'x-forwarded-for'), header(request, 'x-real-ip')];
    const hops = [request.socket.remoteAddress ?? '', ...named.flatMap((value) => value?.split(',') ?? [])];
    const isForwarded = header(request, 'forwarded') !== undefined;
    if (isForwarded || !hops.every((hop) => LOOPBACK_ADDRESS.test(hop.trim()))) {
      throw new SurfaceNotAllowedError(
        'No `http.apiKeys` are configured, so only this machine may call the router.',
      );
    }
    if (!LOOPBACK_HOST.test(header(request, 'host') ?? '')) {
      throw new SurfaceNotAllowedError(
        'No `http.apiKeys` are configured, so the Host header must name this machine (127.0.0.1 or localhost).',
        'host',
      );
    }
  }
}
