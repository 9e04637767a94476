import { existsSync, readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';

/**
 * The certificate authorities of a PEM file beside Node's own. Node's `ca` option replaces the built-in authorities and
 * those of `NODE_EXTRA_CA_CERTS`, so both are named again.
 *
 * @throws When the file cannot be read.
 */
export function readCertificateAuthorities(
  caFile: string,
  extraFile = process.env.NODE_EXTRA_CA_CERTS,
): string[] {
  const extra = extraFile !== undefined && existsSync(extraFile) ? [readFileSync(extraFile, 'utf8')] : [];
  return [...rootCertificates, ...extra, readFileSync(caFile, 'utf8')];
}
