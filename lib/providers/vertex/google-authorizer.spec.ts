import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ProviderError } from '../../errors/provider-error.js';
import { GoogleAuthorizer } from './google-authorizer.js';

const REQUEST = { method: 'POST', url: 'https://example.com/', headers: {}, body: '{}' } as const;
const SUBJECT = 'the-subject-token';

/** Google's token service, for credentials of a workload (`external_account`), which name its address themselves. */
describe('GoogleAuthorizer', () => {
  let directory: string;
  let server: Server;
  let asked: string[];
  let answer: (response: ServerResponse, count: number) => void;
  const never = new AbortController().signal;

  const useCredentials = async (credentials: object): Promise<void> => {
    const path = join(directory, 'credentials.json');
    await writeFile(path, JSON.stringify(credentials));
    vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', path);
  };
  const errorOf = async (work: Promise<unknown>): Promise<ProviderError> => {
    const error: unknown = await work.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ProviderError);
    return error as ProviderError;
  };

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'google-credentials-'));
    asked = [];
    answer = (response, count) => {
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ access_token: `token-${count}`, expires_in: 3600, token_type: 'Bearer' }));
    };
    server = createServer((request: IncomingMessage, response) => {
      request.resume().on('end', () => {
        asked.push(request.url ?? '');
        answer(response, asked.length);
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    await writeFile(join(directory, 'subject'), SUBJECT);
    vi.stubEnv('GOOGLE_CLOUD_PROJECT', '');
    vi.stubEnv('GCLOUD_PROJECT', '');
    await useCredentials({
      type: 'external_account',
      audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      token_url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`,
      credential_source: { file: join(directory, 'subject') },
      quota_project_id: 'quota-project',
    });
  });

  afterEach(async () => {
    vi.unstubAllEnvs();
    server.closeAllConnections();
    server.close();
    await rm(directory, { recursive: true });
  });

  it('loads nothing before it is asked', () => {
    const load = vi.fn();
    expect(new GoogleAuthorizer({ load }).readSecrets()).toEqual([]);
    expect(load).not.toHaveBeenCalled();
  });

  it('asks for a token once, with the quota project', async () => {
    const authorizer = new GoogleAuthorizer({ project: 'p' });
    const passes = await Promise.all([1, 2, 3].map(() => authorizer.authorize(REQUEST, never)));
    const expected = { authorization: expect.any(String) as string, 'x-goog-user-project': 'quota-project' };
    expect(passes).toEqual([expected, expected, expected]);
    const before = asked.length;
    const pass = await authorizer.authorize(REQUEST, never);
    expect(asked).toHaveLength(before);
    expect(pass.authorization).toMatch(/^Bearer token-\d$/);
    expect(authorizer.readSecrets()).toContain(pass.authorization!.slice(7));
  });

  it('asks again when the token has run out', async () => {
    answer = (response, count) => {
      // The library takes a token for run out five minutes early.
      const lifetime = count === 1 ? 60 : 3600;
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ access_token: `token-${count}`, expires_in: lifetime, token_type: 'Bearer' }));
    };
    const authorizer = new GoogleAuthorizer({ project: 'p' });
    const passes = [];
    for (let count = 0; count < 3; count += 1) passes.push(await authorizer.authorize(REQUEST, never));
    expect(passes.map(({ authorization }) => authorization)).toEqual([
      'Bearer token-1',
      'Bearer token-2',
      'Bearer token-2',
    ]);
    // A call under way may still have been sent with the first.
    expect(authorizer.readSecrets()).toEqual(['token-2', 'token-1']);
  });

  it('asks again when the provider has refused the token, but not for an older one', async () => {
    const authorizer = new GoogleAuthorizer({ project: 'p' });
    const first = await authorizer.authorize(REQUEST, never);
    authorizer.refused(first);
    const second = await authorizer.authorize(REQUEST, never);
    expect(second).toMatchObject({ authorization: 'Bearer token-2' });
    // Two calls were under way with the first token.
    authorizer.refused(first);
    expect(await authorizer.authorize(REQUEST, never)).toEqual(second);
    expect(asked).toHaveLength(2);
  });

  it('knows two tokens at most', async () => {
    const authorizer = new GoogleAuthorizer({ project: 'p' });
    for (let count = 0; count < 5; count += 1) {
      authorizer.refused(await authorizer.authorize(REQUEST, never));
    }
    expect(authorizer.readSecrets()).toEqual(['token-5', 'token-4']);
  });

  it('says what the token service said, and nothing secret', async () => {
    answer = (response) => {
      response
        .writeHead(400, { 'content-type': 'application/json' })
        .end(JSON.stringify({ error: 'invalid_grant', error_description: `bad ${SUBJECT}` }));
    };
    const authorizer = new GoogleAuthorizer({ project: 'p' });
    const error = await errorOf(authorizer.authorize(REQUEST, never));
    expect(error).toMatchObject({ kind: 'authentication', providerCode: 'invalid_grant', isRetryable: true });
    expect(error.cause).toBeUndefined();
    expect(`${error.stack}${JSON.stringify(error)}${error.readProviderMessage()}`).not.toContain(SUBJECT);
    // It is asked again: whoever mends the credentials need not start anew.
    answer = (response) => {
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ access_token: 'good', expires_in: 3600, token_type: 'Bearer' }));
    };
    expect(await authorizer.authorize(REQUEST, never)).toMatchObject({ authorization: 'Bearer good' });
  });

  it.each([
    ['without the file', async () => rm(join(directory, 'credentials.json'))],
    ['with a file that is no JSON', async () => writeFile(join(directory, 'credentials.json'), 'not JSON')],
    ['with an unknown kind', async () => useCredentials({ type: 'nobody' })],
    ['without the subject token', async () => rm(join(directory, 'subject'))],
  ])('is refused %s', async (_name, spoil) => {
    await spoil();
    const error = await errorOf(new GoogleAuthorizer({ project: 'p' }).authorize(REQUEST, never));
    expect(error.kind).toBe('authentication');
    expect(error.providerCode).toMatch(/^(?:no_credentials|ENOENT)$/);
    expect(`${error.stack}`).not.toContain(directory);
  });

  it('names the package where it is missing', async () => {
    const missing = Object.assign(new Error("Cannot find package '/a/secret/path'"), {
      code: 'ERR_MODULE_NOT_FOUND',
    });
    const error = await errorOf(
      new GoogleAuthorizer({ load: () => Promise.reject(missing) }).authorize(REQUEST, never),
    );
    expect(error).toMatchObject({ kind: 'authentication', providerCode: 'google_auth_library_missing' });
    expect(error.readProviderMessage()).toContain('npm install google-auth-library');
  });

  it('lets go when the attempt does, and what comes later harms nobody', async () => {
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    const arrived = new Promise<ServerResponse>((resolve) => {
      answer = resolve;
    });
    const attempt = new AbortController();
    const authorizer = new GoogleAuthorizer({ project: 'p' });
    const work = authorizer.authorize(REQUEST, attempt.signal);
    const held = await arrived;
    const reason = new ProviderError({ kind: 'timeout' });
    attempt.abort(reason);
    await expect(work).rejects.toBe(reason);
    await expect(authorizer.authorize(REQUEST, AbortSignal.abort(reason))).rejects.toBe(reason);
    const closed = once(held, 'close');
    held.destroy();
    await closed;
    await new Promise(setImmediate);
    expect(unhandled).not.toHaveBeenCalled();
    process.off('unhandledRejection', unhandled);
  });

  it('gives up on a token service that hangs, for all calls at once, and then starts anew', async () => {
    const held: ServerResponse[] = [];
    const whole = answer;
    answer = (response) => held.push(response);
    const authorizer = new GoogleAuthorizer({ project: 'p', timeoutMs: 200 });
    const calls = [1, 2, 3].map(() => errorOf(authorizer.authorize(REQUEST, never)));
    for (const error of await Promise.all(calls)) {
      expect(error).toMatchObject({
        kind: 'authentication',
        providerCode: 'token_timeout',
        isRetryable: true,
      });
    }
    expect(asked).toHaveLength(1);
    answer = whole;
    const pass = await authorizer.authorize(REQUEST, never);
    expect(pass).toMatchObject({ authorization: 'Bearer token-2' });
    // What comes too late is not taken for the newest.
    const closed = once(held[0]!, 'close');
    whole(held[0]!, 1);
    await closed;
    await new Promise(setImmediate);
    expect(await authorizer.authorize(REQUEST, never)).toEqual(pass);
    expect(authorizer.readSecrets()).toEqual(['token-2']);
    expect(asked).toHaveLength(2);
  });

  it('leaves no timer behind', async () => {
    const cleared = vi.spyOn(globalThis, 'clearTimeout');
    const set = vi.spyOn(globalThis, 'setTimeout');
    await new GoogleAuthorizer({ project: 'p', timeoutMs: 54_321 }).authorize(REQUEST, never);
    const timer = set.mock.results[set.mock.calls.findIndex(([, ms]) => ms === 54_321)]
      ?.value as NodeJS.Timeout;
    expect(timer.hasRef()).toBe(false);
    expect(cleared).toHaveBeenCalledWith(timer);
    vi.restoreAllMocks();
  });

  describe('the project of the credentials', () => {
    const url = 'https://aiplatform.googleapis.com/v1/projects/-/locations/global/x';

    it('is put into the address, and asked for once', async () => {
      vi.stubEnv('GOOGLE_CLOUD_PROJECT', 'from-environment');
      const authorizer = new GoogleAuthorizer();
      const expected = 'https://aiplatform.googleapis.com/v1/projects/from-environment/locations/global/x';
      expect(await authorizer.completeUrl(url, never)).toBe(expected);
      vi.stubEnv('GOOGLE_CLOUD_PROJECT', 'another');
      expect(await authorizer.completeUrl(url, never)).toBe(expected);
    });

    it('is not looked for where it is not wanted', async () => {
      const load = vi.fn();
      const complete = url.replace('/-/', '/mine/');
      expect(await new GoogleAuthorizer({ load }).completeUrl(complete, never)).toBe(complete);
      expect(load).not.toHaveBeenCalled();
    });

    it.each(['../../v2', 'a/b', 'a?b'])('is refused as %j', async (project) => {
      vi.stubEnv('GOOGLE_CLOUD_PROJECT', project);
      const error = await errorOf(new GoogleAuthorizer().completeUrl(url, never));
      expect(error).toMatchObject({ kind: 'authentication', providerCode: 'no_project' });
    });
  });

  it('looks for the project anew where the search hangs', async () => {
    const url = 'https://aiplatform.googleapis.com/v1/projects/-/locations/global/x';
    let made = 0;
    class GoogleAuth {
      readonly #isHanging = ++made === 1;

      getProjectId(): Promise<string> {
        return this.#isHanging ? new Promise(() => undefined) : Promise.resolve('found');
      }
    }
    const library = { GoogleAuth } as unknown as typeof import('google-auth-library');
    const authorizer = new GoogleAuthorizer({ load: () => Promise.resolve(library), timeoutMs: 50 });
    for (const error of await Promise.all([1, 2].map(() => errorOf(authorizer.completeUrl(url, never))))) {
      expect(error).toMatchObject({ kind: 'authentication', providerCode: 'token_timeout' });
    }
    expect(await authorizer.completeUrl(url, never)).toBe(url.replace('/-/', '/found/'));
    expect(made).toBe(2);
  });

  it('takes the headers of version 9 too', async () => {
    class GoogleAuth {
      getClient(): Promise<unknown> {
        const headers = { Authorization: 'Bearer nine', 'x-goog-user-project': 'q', other: 'x' };
        return Promise.resolve({ getRequestHeaders: () => Promise.resolve(headers) });
      }
    }
    const library = { GoogleAuth } as unknown as typeof import('google-auth-library');
    const authorizer = new GoogleAuthorizer({ load: () => Promise.resolve(library) });
    expect(await authorizer.authorize(REQUEST, never)).toEqual({
      authorization: 'Bearer nine',
      'x-goog-user-project': 'q',
    });
    expect(authorizer.readSecrets()).toEqual(['nine']);
  });
});
