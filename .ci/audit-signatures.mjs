// `npm audit signatures`, and what its failure means. A signature that does not match, or is missing where the registry
// signs, fails. Where there is nothing to check against (the keys' server cannot be reached, as behind a mirror, or the
// registry has no keys) that is said, and the exit code is 77: nothing was found, and nothing was checked.
import { spawnSync } from 'node:child_process';

const KEY_SERVER = 'tuf-repo-cdn.sigstore.dev';
const UNREACHABLE = new Set([
  'ENOTFOUND',
  'EAI_AGAIN',
  'ECONNREFUSED',
  'ECONNRESET',
  'ETIMEDOUT',
  'ERR_SOCKET_TIMEOUT',
  'ENETUNREACH',
]);
const NO_KEYS = 'found no dependencies to audit that were installed from a supported registry';

const { status, stdout, stderr } = spawnSync(
  'npm',
  [
    'audit',
    'signatures',
    '--json',
    '--fetch-retries=1',
    '--fetch-retry-mintimeout=1000',
    '--fetch-timeout=30000',
  ],
  { encoding: 'utf8', timeout: 180_000, maxBuffer: 64 * 1024 * 1024 },
);

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Why nothing could be checked; undefined where something was, or where it failed in any other way. */
function whyUnchecked(error) {
  const { code, summary = '' } = error ?? {};
  if (UNREACHABLE.has(code) && summary.includes(`https://${KEY_SERVER}/`)) return summary;
  if (summary.includes(NO_KEYS)) return summary;
  return undefined;
}

const result = parse(stdout);
const reason = whyUnchecked(result?.error);
if (status === 0 && result !== undefined && result.error === undefined) {
  process.stdout.write('every signature matches\n');
} else if (reason !== undefined) {
  process.stdout.write(`NOT CHECKED, there are no keys to check against: ${reason}\n`);
  process.exitCode = 77;
} else {
  process.stderr.write(`npm audit signatures ended with ${status}\n${stdout}${stderr}`);
  process.exitCode = 1;
}
