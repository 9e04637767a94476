import type { GoogleAuth } from 'google-auth-library';
import { GOOGLE_CLOUD_PROJECT } from '../../config/index.js';
import { ProviderError } from '../../errors/provider-error.js';
import type { RequestAuthorizer, UnauthorizedRequest } from '../request-authorizer.js';
import { untilAborted } from '../until-aborted.js';
import { untilTokenTimeout } from '../until-token-timeout.js';
import { CREDENTIALS_PROJECT } from './credentials-project.js';
import { toCredentialsError } from './to-credentials-error.js';

const SCOPE = 'https://www.googleapis.com/auth/cloud-platform';
/** A token server that is silent for longer would hold up every call that comes after. */
const TOKEN_TIMEOUT_MS = 10_000;
/** Ends requests of the library that nobody waits for any more; not all of its clients heed it (that of STS does not). */
const LIBRARY_TIMEOUT_MS = 30_000;
/** The current token, and one that calls under way may still have been sent with. */
const MAX_KNOWN_TOKENS = 2;

type GoogleAuthLibrary = Pick<typeof import('google-auth-library'), 'GoogleAuth'>;

export interface GoogleAuthorizerOptions {
  /** Where it is known: the library then need not look for it, which for some credentials is one call more. */
  readonly project?: string | undefined;
  /** @defaultValue imports the package */
  readonly load?: () => Promise<GoogleAuthLibrary>;
  /**
   * How long a token or the project is waited for, in milliseconds.
   *
   * @defaultValue 10,000
   */
  readonly timeoutMs?: number;
}

/**
 * Lets calls to Vertex AI in with Google's application default credentials: `GOOGLE_APPLICATION_CREDENTIALS`, the file
 * of `gcloud auth application-default login`, workload identity, the metadata server. All of it is for Google's own
 * `google-auth-library`, a peer of the router that is loaded with the first call; it keeps tokens until shortly before
 * they run out, and names the quota project (`x-goog-user-project`) where the credentials do.
 *
 * Failures are of kind `authentication`, so that another provider may answer: `google_auth_library_missing` where the
 * package is not installed, `no_credentials`, `no_project`, `token_timeout`, or what the token server said
 * (`invalid_grant`). After a `token_timeout` the next call starts anew: it does not wait for what hangs.
 */
export class GoogleAuthorizer implements RequestAuthorizer {
  #auth: Promise<GoogleAuth> | undefined;
  #project: Promise<string> | undefined;
  /** The search under way, which all calls wait for together. */
  #headers: Promise<Readonly<Record<string, string>>> | undefined;
  #tokens: readonly string[] = [];

  constructor(private readonly options: GoogleAuthorizerOptions = {}) {}

  async completeUrl(url: string, signal: AbortSignal): Promise<string> {
    if (!url.includes(CREDENTIALS_PROJECT)) return url;
    const project = await untilAborted(this.project(), signal);
    return url.replace(CREDENTIALS_PROJECT, `/projects/${project}/`);
  }

  async authorize(
    _request: UnauthorizedRequest,
    signal: AbortSignal,
  ): Promise<Readonly<Record<string, string>>> {
    return untilAborted(this.headers(), signal);
  }

  /** A token may be revoked before it runs out, and the library would go on handing it out. */
  refused(pass: Readonly<Record<string, string>>): void {
    const current = this.#tokens[0];
    if (current === undefined || pass.authorization !== `Bearer ${current}`) return;
    this.#auth = undefined;
    this.#headers = undefined;
  }

  readSecrets(): readonly string[] {
    return this.#tokens;
  }

  private headers(): Promise<Readonly<Record<string, string>>> {
    if (this.#headers !== undefined) return this.#headers;
    const headers = this.findHeaders().finally(() => {
      if (this.#headers === headers) this.#headers = undefined;
    });
    this.#headers = headers;
    return headers;
  }

  private async findHeaders(): Promise<Readonly<Record<string, string>>> {
    const headers = await this.ask(async (auth) => {
      try {
        const client = await auth.getClient();
        return toMap(await client.getRequestHeaders());
      } catch (error) {
        throw toCredentialsError(error);
      }
    });
    const authorization = headers.get('authorization') ?? '';
    const token = /^Bearer (\S+)$/.exec(authorization)?.[1];
    if (token === undefined) {
      throw new ProviderError({ kind: 'authentication', providerCode: 'no_credentials' });
    }
    if (!this.#tokens.includes(token)) {
      this.#tokens = [token, ...this.#tokens].slice(0, MAX_KNOWN_TOKENS);
    }
    const quotaProject = headers.get('x-goog-user-project');
    return {
      authorization,
      ...(quotaProject === undefined ? {} : { 'x-goog-user-project': quotaProject }),
    };
  }

  private project(): Promise<string> {
    if (this.#project !== undefined) return this.#project;
    const project = this.findProject().catch((error: unknown) => {
      // Asked again: a metadata server may come up late.
      if (this.#project === project) this.#project = undefined;
      throw error;
    });
    this.#project = project;
    return project;
  }

  private async findProject(): Promise<string> {
    const project: unknown = await this.ask((auth) => auth.getProjectId().catch(() => undefined));
    if (typeof project !== 'string' || !GOOGLE_CLOUD_PROJECT.test(project)) {
      throw new ProviderError({ kind: 'authentication', providerCode: 'no_project' });
    }
    return project;
  }

  /** What the library answers, or `token_timeout`: all that hangs on the same object is then forgotten with it. */
  private ask<T>(question: (auth: GoogleAuth) => Promise<T>): Promise<T> {
    const auth = this.auth();
    return untilTokenTimeout(auth.then(question), this.options.timeoutMs ?? TOKEN_TIMEOUT_MS, () => {
      if (this.#auth !== auth) return;
      this.#auth = undefined;
      this.#project = undefined;
      this.#headers = undefined;
    });
  }

  private auth(): Promise<GoogleAuth> {
    if (this.#auth !== undefined) return this.#auth;
    const auth = this.open().catch((error: unknown) => {
      if (this.#auth === auth) this.#auth = undefined;
      throw error;
    });
    this.#auth = auth;
    return auth;
  }

  private async open(): Promise<GoogleAuth> {
    const { project, load = () => import('google-auth-library') } = this.options;
    let library: GoogleAuthLibrary;
    try {
      library = await load();
    } catch {
      throw new ProviderError({
        kind: 'authentication',
        providerCode: 'google_auth_library_missing',
        providerMessage: 'Vertex AI needs the package google-auth-library (npm install google-auth-library).',
      });
    }
    return new library.GoogleAuth({
      scopes: [SCOPE],
      projectId: project,
      clientOptions: { transporterOptions: { timeout: LIBRARY_TIMEOUT_MS } },
    });
  }
}

/** Version 10 gives `Headers`, version 9 a plain object. Names in lower case. */
function toMap(headers: Headers | Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  const entries = headers instanceof Headers ? [...headers] : Object.entries(headers);
  return new Map(entries.map(([name, value]) => [name.toLowerCase(), value]));
}
