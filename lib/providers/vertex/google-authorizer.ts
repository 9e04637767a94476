import type { GoogleAuth } from 'google-auth-library';
import { GOOGLE_CLOUD_PROJECT } from '../../config/index.js';
import { ProviderError } from '../../errors/provider-error.js';
import type { RequestAuthorizer, UnauthorizedRequest } from '../request-authorizer.js';
import { untilAborted } from '../until-aborted.js';
import { CREDENTIALS_PROJECT } from './credentials-project.js';
import { toCredentialsError } from './to-credentials-error.js';

const SCOPE = 'https://www.googleapis.com/auth/cloud-platform';
/** A token server that is silent for longer would hold up every call that comes after. */
const TOKEN_TIMEOUT_MS = 30_000;
/** The current token, and one that calls under way may still have been sent with. */
const MAX_KNOWN_TOKENS = 2;

type GoogleAuthLibrary = Pick<typeof import('google-auth-library'), 'GoogleAuth'>;

export interface GoogleAuthorizerOptions {
  /** Where it is known: the library then need not look for it, which for some credentials is one call more. */
  readonly project?: string | undefined;
  /** @defaultValue imports the package */
  readonly load?: () => Promise<GoogleAuthLibrary>;
}

/**
 * Lets calls to Vertex AI in with Google's application default credentials: `GOOGLE_APPLICATION_CREDENTIALS`, the file
 * of `gcloud auth application-default login`, workload identity, the metadata server. All of it is for Google's own
 * `google-auth-library`, a peer of the router that is loaded with the first call; it keeps tokens until shortly before
 * they run out, asks for one at a time, and names the quota project (`x-goog-user-project`) where the credentials do.
 *
 * Failures are of kind `authentication`, so that another provider may answer: `google_auth_library_missing` where the
 * package is not installed, `no_credentials`, `no_project`, or what the token server said (`invalid_grant`).
 */
export class GoogleAuthorizer implements RequestAuthorizer {
  #auth: Promise<GoogleAuth> | undefined;
  #project: Promise<string> | undefined;
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
    if (current !== undefined && pass.authorization === `Bearer ${current}`) this.#auth = undefined;
  }

  readSecrets(): readonly string[] {
    return this.#tokens;
  }

  private async headers(): Promise<Readonly<Record<string, string>>> {
    const auth = await this.auth();
    let headers: ReadonlyMap<string, string>;
    try {
      const client = await auth.getClient();
      headers = toMap(await client.getRequestHeaders());
    } catch (error) {
      throw toCredentialsError(error);
    }
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
    this.#project ??= this.findProject().catch((error: unknown) => {
      // Asked again: a metadata server may come up late.
      this.#project = undefined;
      throw error;
    });
    return this.#project;
  }

  private async findProject(): Promise<string> {
    const auth = await this.auth();
    const project: unknown = await auth.getProjectId().catch(() => undefined);
    if (typeof project !== 'string' || !GOOGLE_CLOUD_PROJECT.test(project)) {
      throw new ProviderError({ kind: 'authentication', providerCode: 'no_project' });
    }
    return project;
  }

  private auth(): Promise<GoogleAuth> {
    this.#auth ??= this.open().catch((error: unknown) => {
      this.#auth = undefined;
      throw error;
    });
    return this.#auth;
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
      clientOptions: { transporterOptions: { timeout: TOKEN_TIMEOUT_MS } },
    });
  }
}

/** Version 10 gives `Headers`, version 9 a plain object. Names in lower case. */
function toMap(headers: Headers | Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  const entries = headers instanceof Headers ? [...headers] : Object.entries(headers);
  return new Map(entries.map(([name, value]) => [name.toLowerCase(), value]));
}
