import { X509Certificate } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { connect } from 'node:net';
import { request as httpsRequest } from 'node:https';
import { afterEach, expect, it } from 'vitest';
import { createTlsFailure, unresolvableBaseUrl, type TlsFailure, type TlsFailureKind } from './index.js';
import { selfSignedCertificate } from './self-signed-certificate.js';

const opened: TlsFailure[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((failure) => failure.close()));
});

async function open(kind?: TlsFailureKind): Promise<TlsFailure> {
  const failure = await createTlsFailure(kind);
  opened.push(failure);
  return failure;
}

/** The status, or the code of the error. */
function ask(url: string, ca?: string): Promise<number | string | undefined> {
  return new Promise((resolve) => {
    const request = httpsRequest(url, { method: 'POST', agent: false, ca }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.on('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code);
    });
    request.end('{}');
  });
}

it('gives a host that no name server knows', async () => {
  const { hostname, pathname } = new URL(unresolvableBaseUrl());
  expect([hostname.endsWith('.invalid'), pathname]).toEqual([true, '/v1']);
  await expect(lookup(hostname)).rejects.toMatchObject({
    code: expect.stringMatching(/^(?:ENOTFOUND|EAI_AGAIN)$/) as string,
  });
});

it('answers with something that is no TLS', async () => {
  const failure = await open();
  expect(await ask(failure.baseUrl)).toMatch(/^(?:EPROTO|ERR_SSL_\w+)$/);
  expect(failure.connectionCount).toBe(1);
});

it('closes in the middle of the handshake', async () => {
  const failure = await open('closed');
  expect(await ask(failure.baseUrl)).toBe('ECONNRESET');
});

it('shows a certificate that nobody trusts, unless told to', async () => {
  const failure = await open('untrusted');
  expect(await ask(failure.baseUrl)).toBe('DEPTH_ZERO_SELF_SIGNED_CERT');
  expect(await ask(failure.baseUrl, failure.certificate)).toBe(503);
});

it('takes the connection and says nothing, until it is closed', async () => {
  const failure = await open('stalled');
  const asked = ask(failure.baseUrl);
  await expect.poll(() => failure.connectionCount).toBe(1);
  const plain = connect(failure.port, '127.0.0.1');
  plain.on('error', () => undefined);
  await expect.poll(() => failure.connectionCount).toBe(2);
  await failure.close();
  expect(await asked).toBe('ECONNRESET');
});

it('makes a certificate that others can read', () => {
  const now = Date.UTC(2040, 0, 15);
  const certificate = new X509Certificate(selfSignedCertificate(now).pem);
  expect(certificate.subjectAltName).toBe('DNS:localhost, IP Address:127.0.0.1');
  expect(certificate.verify(certificate.publicKey)).toBe(true);
  expect(certificate.ca).toBe(true);
  expect(Date.parse(certificate.validFrom)).toBeLessThan(now);
  expect(Date.parse(certificate.validTo)).toBeGreaterThan(now);
  expect(selfSignedCertificate().pem).not.toBe(selfSignedCertificate().pem);
});
