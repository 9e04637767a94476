// The lockfile serves every registry and mirror: what a package is, its integrity says, not an address.
import { readFile } from 'node:fs/promises';

const { packages } = JSON.parse(await readFile('package-lock.json', 'utf8'));
const faults = [];
for (const [path, entry] of Object.entries(packages)) {
  if (path === '' || entry.link) continue;
  if (entry.resolved !== undefined) faults.push(`${path}: resolved to ${entry.resolved}`);
  if (entry.integrity === undefined && !entry.inBundle) faults.push(`${path}: no integrity`);
}
for (const fault of faults) process.stderr.write(`${fault}\n`);
process.stdout.write(`${Object.keys(packages).length - 1} locked packages, ${faults.length} faults\n`);
process.exitCode = faults.length === 0 ? 0 : 1;
