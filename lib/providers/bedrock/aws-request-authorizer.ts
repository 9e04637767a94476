import type { SignatureV4 } from '@smithy/signature-v4';
import { ProviderError } from '../../errors/provider-error.js';
import { identifierOf } from '../provider-error-fields.js';
import type { RequestAuthorizer, UnauthorizedRequest } from '../request-authorizer.js';
import { untilAborted } from '../until-aborted.js';
import { untilTokenTimeout } from '../until-token-timeout.js';
import { loadBedrockPackage } from './bedrock-packages.js';

type Credentials = Awaited<ReturnType<CredentialProvider>>;
type CredentialProvider = ReturnType<(typeof import('@aws-sdk/credential-provider-node'))['defaultProvider']>;
type Signing = typeof import('@smithy/signature-v4');
type Hashing = typeof import('@aws-crypto/sha256-js');

export interface AwsRequestAuthorizerOptions {
  readonly region: string;
  /**
   * How long credentials are waited for, in milliseconds.
   *
   * @defaultValue 10,000
   */
  readonly timeoutMs?: number;
}

interface Parts {
  readonly findCredentials: CredentialProvider;
  readonly signerFor: (credentials: Credentials) => SignatureV4;
}

/** AWS's chain has no bound of its own for token services and credential processes. */
const CREDENTIALS_TIMEOUT_MS = 10_000;
/** The current credentials, and those that calls under way may still have been signed with. */
const MAX_KNOWN_CREDENTIALS = 2;
/** What of a signed request is new: `host` is the HTTP client's own to send. */
const ADDED = new Set(['authorization', 'x-amz-date', 'x-amz-security-token', 'x-amz-content-sha256']);

/**
 * Signs requests with AWS Signature Version 4, by AWS's own libraries, with the credentials of their default chain:
 * environment, profile, SSO, web identity, container, instance. The chain keeps them until five minutes before they run
 * out and then gets new ones beside the traffic; many calls at once ask for them once.
 *
 * What AWS has refused is looked for anew too.
 *
 * Credentials that are not there in time are a `token_timeout`, and the next request looks for them anew: it does not
 * wait for what hangs.
 *
 * Signed are method, path, host, date and body, and none of the headers a proxy might rewrite.
 */
export class AwsRequestAuthorizer implements RequestAuthorizer {
  #parts: Promise<Parts> | undefined;
  /** Newest first. */
  #known: readonly Credentials[] = [];
  /** What the last request was signed with; undefined: nothing yet, or it was refused. */
  #current: Credentials | undefined;

  constructor(private readonly options: AwsRequestAuthorizerOptions) {}

  async authorize(
    request: UnauthorizedRequest,
    signal: AbortSignal,
  ): Promise<Readonly<Record<string, string>>> {
    signal.throwIfAborted();
    // The search goes on, for those who ask next.
    return untilAborted(this.#sign(request), signal);
  }

  /**
   * Credentials without an expiry are kept by the chain for good, and others may be revoked before theirs: what was
   * refused is looked for anew, files and all.
   */
  refused(pass: Readonly<Record<string, string>>): void {
    const current = this.#current;
    if (current === undefined || !isSignedWith(pass, current)) return;
    this.#current = undefined;
    this.#parts = undefined;
  }

  readSecrets(): readonly string[] {
    const secrets = this.#known.flatMap(({ accessKeyId, secretAccessKey, sessionToken }) => [
      secretAccessKey,
      accessKeyId,
      ...(sessionToken === undefined ? [] : [sessionToken]),
    ]);
    return [...new Set(secrets)];
  }

  async #sign({ body, method, url }: UnauthorizedRequest): Promise<Record<string, string>> {
    const { findCredentials, signerFor } = await this.#loadParts();
    const { hostname, host, pathname, protocol, searchParams } = new URL(url);
    try {
      const credentials = await findCredentials();
      this.#current = credentials;
      const older = this.#known.filter((known) => !isSame(known, credentials));
      this.#known = [credentials, ...older].slice(0, MAX_KNOWN_CREDENTIALS);
      const query = Object.fromEntries(searchParams);
      const headers = { host };
      const unsigned = { method, protocol, hostname, path: pathname, query, headers, body };
      const signed = await signerFor(credentials).sign(unsigned);
      return Object.fromEntries(Object.entries(signed.headers).filter(([name]) => ADDED.has(name)));
    } catch (error) {
      if (error instanceof ProviderError) throw error;
      // The sentence of a credential process or of a token endpoint may hold what it was given: the name is enough.
      const name = error instanceof Error ? error.name : undefined;
      throw new ProviderError({
        kind: 'authentication',
        providerCode: identifierOf(name) ?? 'aws_credentials',
      });
    }
  }

  /** Loaded with the first request; a failure is not kept. */
  #loadParts(): Promise<Parts> {
    if (this.#parts !== undefined) return this.#parts;
    const forget = (): void => {
      if (this.#parts === parts) this.#parts = undefined;
    };
    const { region, timeoutMs = CREDENTIALS_TIMEOUT_MS } = this.options;
    const parts = loadParts(region)
      .then(({ findCredentials, signerFor }) => ({
        findCredentials: sharedAndTimed(findCredentials, timeoutMs, forget),
        signerFor,
      }))
      .catch((error: unknown) => {
        forget();
        throw error;
      });
    this.#parts = parts;
    return parts;
  }
}

/** One search at a time, for all who ask meanwhile, and one timer with it. */
function sharedAndTimed(
  findCredentials: CredentialProvider,
  timeoutMs: number,
  forget: () => void,
): CredentialProvider {
  let search: Promise<Credentials> | undefined;
  return () => {
    search ??= untilTokenTimeout(findCredentials(), timeoutMs, forget).finally(() => {
      search = undefined;
    });
    return search;
  };
}

/** The key's id stands in the signature (`Credential=AKID/date/…`): "Create a signed AWS API request" of the IAM guide. */
function isSignedWith(pass: Readonly<Record<string, string>>, credentials: Credentials): boolean {
  return (
    (pass.authorization ?? '').includes(` Credential=${credentials.accessKeyId}/`) &&
    pass['x-amz-security-token'] === credentials.sessionToken
  );
}

function isSame(one: Credentials, other: Credentials): boolean {
  return (
    one.accessKeyId === other.accessKeyId &&
    one.secretAccessKey === other.secretAccessKey &&
    one.sessionToken === other.sessionToken
  );
}

async function loadParts(region: string): Promise<Parts> {
  const [{ defaultProvider }, { SignatureV4 }, { Sha256 }] = await Promise.all([
    loadBedrockPackage(
      '@aws-sdk/credential-provider-node',
      () => import('@aws-sdk/credential-provider-node'),
    ),
    loadBedrockPackage<Signing>('@smithy/signature-v4', () => import('@smithy/signature-v4')),
    loadBedrockPackage<Hashing>('@aws-crypto/sha256-js', () => import('@aws-crypto/sha256-js')),
  ]);
  return {
    // Without it a new chain would still read the files of the profiles as they were at the first.
    findCredentials: defaultProvider({ ignoreCache: true }),
    signerFor: (credentials) => new SignatureV4({ service: 'bedrock', region, credentials, sha256: Sha256 }),
  };
}
