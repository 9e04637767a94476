import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { afterAll, expect, it } from 'vitest';
import { readCertificateAuthorities } from './certificate-authorities.js';

const directory = mkdtempSync(join(tmpdir(), 'certificate-authorities-'));
const ours = join(directory, 'ours.pem');
const extra = join(directory, 'extra.pem');
writeFileSync(ours, 'OURS');
writeFileSync(extra, 'EXTRA');

afterAll(() => {
  rmSync(directory, { recursive: true });
});

it("adds to Node's own authorities and to NODE_EXTRA_CA_CERTS, and replaces neither", () => {
  expect(rootCertificates.length).toBeGreaterThan(50);
  expect(readCertificateAuthorities(ours, extra)).toEqual([...rootCertificates, 'EXTRA', 'OURS']);
});

it('overlooks a NODE_EXTRA_CA_CERTS that is not there, as Node does, but no CA file of ours', () => {
  expect(readCertificateAuthorities(ours, join(directory, 'none.pem'))).toHaveLength(
    rootCertificates.length + 1,
  );
  expect(() => readCertificateAuthorities(join(directory, 'none.pem'), extra)).toThrow('ENOENT');
});
