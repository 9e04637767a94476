import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ProviderError } from '../../errors/provider-error.js';
import type { UnauthorizedRequest } from '../request-authorizer.js';
import { AwsRequestAuthorizer } from './aws-request-authorizer.js';

const ACCESS_KEY = 'AKIDEXAMPLE';
const SECRET_KEY = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
const REGION = 'eu-west-1';
const HOST = 'bedrock-runtime.eu-west-1.amazonaws.com';
const PATH = '/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse';
const request: UnauthorizedRequest = {
  method: 'POST',
  url: `https://${HOST}${PATH}`,
  headers: { accept: 'application/json' },
  body: '{"messages":[{"role":"user","content":[{"text":"Grüße"}]}]}',
};
const signal = new AbortController().signal;

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

/** Signature Version 4 written down from AWS's documentation ("Create a signed AWS API request"). */
function expectedAuthorization(date: string, sessionToken: string | undefined): string {
  const day = date.slice(0, 8);
  const bodyHash = sha256(request.body ?? '');
  const headers = [
    ['host', HOST],
    ['x-amz-content-sha256', bodyHash],
    ['x-amz-date', date],
    ...(sessionToken === undefined ? [] : [['x-amz-security-token', sessionToken]]),
  ];
  const names = headers.map(([name]) => name).join(';');
  const canonical = [
    'POST',
    // Encoded once more than it stands in the URL.
    PATH.replaceAll('%', '%25'),
    '',
    ...headers.map(([name, value]) => `${name}:${value}`),
    '',
    names,
    bodyHash,
  ].join('\n');
  const scope = `${day}/${REGION}/bedrock/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n');
  const key = [REGION, 'bedrock', 'aws4_request'].reduce<Buffer>(hmac, hmac(`AWS4${SECRET_KEY}`, day));
  const signature = hmac(key, toSign).toString('hex');
  return `AWS4-HMAC-SHA256 Credential=${ACCESS_KEY}/${scope}, SignedHeaders=${names}, Signature=${signature}`;
}

async function errorOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  );
}

beforeEach(() => {
  for (const name of Object.keys(process.env).filter((key) => key.startsWith('AWS_'))) {
    vi.stubEnv(name, undefined);
  }
  // Neither a developer's own files nor the network.
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/dev/null');
  vi.stubEnv('AWS_CONFIG_FILE', '/dev/null');
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

describe('AwsRequestAuthorizer with keys in the environment', () => {
  it.each([
    ['long-lived keys', undefined],
    ['a session token', 'the+session/token=='],
  ])('signs with %s as the documentation says', async (_name, sessionToken) => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2026, 2, 4, 5, 6, 7) });
    vi.stubEnv('AWS_ACCESS_KEY_ID', ACCESS_KEY);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', SECRET_KEY);
    vi.stubEnv('AWS_SESSION_TOKEN', sessionToken);
    const authorizer = new AwsRequestAuthorizer({ region: REGION });
    expect(authorizer.readSecrets()).toEqual([]);
    expect(await authorizer.authorize(request, signal)).toEqual({
      authorization: expectedAuthorization('20260304T050607Z', sessionToken),
      'x-amz-date': '20260304T050607Z',
      'x-amz-content-sha256': sha256(request.body ?? ''),
      ...(sessionToken === undefined ? {} : { 'x-amz-security-token': sessionToken }),
    });
    expect(authorizer.readSecrets()).toEqual([
      SECRET_KEY,
      ACCESS_KEY,
      ...(sessionToken === undefined ? [] : [sessionToken]),
    ]);
  });

  it('says that there are no credentials, and why by name alone', async () => {
    const error = await errorOf(new AwsRequestAuthorizer({ region: REGION }).authorize(request, signal));
    expect(error).toBeInstanceOf(ProviderError);
    expect(error).toMatchObject({ kind: 'authentication', providerCode: 'CredentialsProviderError' });
    expect((error as ProviderError).readProviderMessage()).toBeUndefined();
  });

  it('gives the reason of a signal that has been aborted already', async () => {
    const reason = new Error('left');
    const authorizer = new AwsRequestAuthorizer({ region: REGION });
    expect(await errorOf(authorizer.authorize(request, AbortSignal.abort(reason)))).toBe(reason);
  });
});

describe('AwsRequestAuthorizer with keys in a file', () => {
  let directory: string;
  let file: string;

  const write = (accessKey: string): Promise<void> =>
    writeFile(
      file,
      `[default]\naws_access_key_id = ${accessKey}\naws_secret_access_key = secret-of-${accessKey}\n`,
    );
  const keyOf = (pass: Readonly<Record<string, string>>): string | undefined =>
    /Credential=(\w+)\//.exec(pass.authorization ?? '')?.[1];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'aws-credentials-'));
    file = join(directory, 'credentials');
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', file);
  });

  afterEach(() => rm(directory, { recursive: true }));

  it('reads the file again when the keys in it were refused, but not for older ones', async () => {
    await write('AKIDONE');
    const authorizer = new AwsRequestAuthorizer({ region: REGION });
    const first = await authorizer.authorize(request, signal);
    expect(keyOf(first)).toBe('AKIDONE');
    await write('AKIDTWO');
    expect(keyOf(await authorizer.authorize(request, signal))).toBe('AKIDONE');
    authorizer.refused(first);
    expect(keyOf(await authorizer.authorize(request, signal))).toBe('AKIDTWO');
    expect(authorizer.readSecrets()).toEqual([
      'secret-of-AKIDTWO',
      'AKIDTWO',
      'secret-of-AKIDONE',
      'AKIDONE',
    ]);
    // Two calls were under way with the first key.
    await write('AKIDTHREE');
    authorizer.refused(first);
    authorizer.refused({});
    expect(keyOf(await authorizer.authorize(request, signal))).toBe('AKIDTWO');
  });
});

describe('AwsRequestAuthorizer with a credential endpoint', () => {
  let endpoint: Server;
  let waiting: ServerResponse[];
  /** How many of the first credentials are about to run out. */
  let runningOut: number;
  let isSilent: boolean;
  let calls: number;

  const answer = (response: ServerResponse): void => {
    const expiresInMs = calls <= runningOut ? 60_000 : 3_600_000;
    response.setHeader('content-type', 'application/json').end(
      JSON.stringify({
        AccessKeyId: ACCESS_KEY,
        SecretAccessKey: SECRET_KEY,
        Token: `token-${calls}`,
        Expiration: new Date(Date.now() + expiresInMs).toISOString(),
      }),
    );
  };

  beforeEach(async () => {
    calls = 0;
    waiting = [];
    runningOut = 0;
    isSilent = false;
    endpoint = createServer((_request, response) => {
      calls += 1;
      if (isSilent) {
        waiting.push(response);
        endpoint.emit('asked');
      } else {
        answer(response);
      }
    }).listen(0, '127.0.0.1');
    await once(endpoint, 'listening');
    const { port } = endpoint.address() as AddressInfo;
    vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', `http://127.0.0.1:${port}/`);
  });

  afterEach(() => {
    endpoint.closeAllConnections();
    endpoint.close();
  });

  it('asks once for many requests', async () => {
    const authorizer = new AwsRequestAuthorizer({ region: REGION });
    await Promise.all(Array.from({ length: 5 }, () => authorizer.authorize(request, signal)));
    const headers = await authorizer.authorize(request, signal);
    expect(headers['x-amz-security-token']).toBe('token-1');
    expect(calls).toBe(1);
  });

  it('gets new credentials when they are about to run out, and knows the secrets of the last two', async () => {
    const authorizer = new AwsRequestAuthorizer({ region: REGION });
    // Not the third: a renewal still under way at the end would go to the next test's endpoint.
    runningOut = 2;
    const tokens = new Set<string>();
    await vi.waitFor(async () => {
      const headers = await authorizer.authorize(request, signal);
      tokens.add(headers['x-amz-security-token']!);
      expect(tokens).toContain('token-3');
    });
    // A call under way may still have been signed with those before.
    expect(authorizer.readSecrets()).toEqual([SECRET_KEY, ACCESS_KEY, 'token-3', 'token-2']);
  });

  it('lets go of a request whose signal aborts, and goes on for the next', async () => {
    isSilent = true;
    const authorizer = new AwsRequestAuthorizer({ region: REGION });
    const controller = new AbortController();
    const first = errorOf(authorizer.authorize(request, controller.signal));
    await once(endpoint, 'asked');
    const reason = new Error('deadline');
    controller.abort(reason);
    expect(await first).toBe(reason);
    const second = authorizer.authorize(request, signal);
    waiting.forEach(answer);
    expect((await second)['x-amz-security-token']).toBe('token-1');
    expect(calls).toBe(1);
  });
});

describe('AwsRequestAuthorizer with a web identity', () => {
  let directory: string;
  let service: Server;
  let held: ServerResponse[];
  let isSilent: boolean;
  let calls: number;

  /** As in the API reference of STS, AssumeRoleWithWebIdentity. */
  const answer = (response: ServerResponse, token: string): void => {
    response.setHeader('content-type', 'text/xml').end(
      `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
        <AssumeRoleWithWebIdentityResult><Credentials>
          <AccessKeyId>${ACCESS_KEY}</AccessKeyId><SecretAccessKey>${SECRET_KEY}</SecretAccessKey>
          <SessionToken>${token}</SessionToken>
          <Expiration>${new Date(Date.now() + 3_600_000).toISOString()}</Expiration>
        </Credentials></AssumeRoleWithWebIdentityResult>
        <ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>
      </AssumeRoleWithWebIdentityResponse>`,
    );
  };

  beforeEach(async () => {
    calls = 0;
    held = [];
    isSilent = true;
    service = createServer((incoming, response) => {
      incoming.resume().on('end', () => {
        calls += 1;
        if (isSilent) held.push(response);
        else answer(response, `token-${calls}`);
      });
    }).listen(0, '127.0.0.1');
    await once(service, 'listening');
    directory = await mkdtemp(join(tmpdir(), 'aws-identity-'));
    await writeFile(join(directory, 'token'), 'the-identity');
    vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', join(directory, 'token'));
    vi.stubEnv('AWS_ROLE_ARN', 'arn:aws:iam::123456789012:role/router');
    vi.stubEnv('AWS_REGION', REGION);
    vi.stubEnv('AWS_ENDPOINT_URL_STS', `http://127.0.0.1:${(service.address() as AddressInfo).port}`);
  });

  afterEach(async () => {
    service.closeAllConnections();
    service.close();
    await rm(directory, { recursive: true });
  });

  it('gives up on a token service that hangs, for all requests at once, and then starts anew', async () => {
    const authorizer = new AwsRequestAuthorizer({ region: REGION, timeoutMs: 2_000 });
    const requests = [1, 2, 3].map(() => errorOf(authorizer.authorize(request, signal)));
    for (const error of await Promise.all(requests)) {
      expect(error).toBeInstanceOf(ProviderError);
      expect(error).toMatchObject({ kind: 'authentication', providerCode: 'token_timeout' });
    }
    expect(calls).toBe(1);
    isSilent = false;
    const headers = await authorizer.authorize(request, signal);
    expect(headers['x-amz-security-token']).toBe('token-2');
    // What comes too late is not taken.
    const closed = once(held[0]!, 'close');
    answer(held[0]!, 'token-late');
    await closed;
    await new Promise(setImmediate);
    expect((await authorizer.authorize(request, signal))['x-amz-security-token']).toBe('token-2');
    expect(authorizer.readSecrets()).not.toContain('token-late');
    expect(calls).toBe(2);
  });
});
