// Puts the compiled package into few files: an application that loads hundreds of small ones spends most of its boot on
// finding and linking them (`npm run bench:boot`). Declarations stay one a file, and what the entries share is shared:
// a class is one class, whichever entry it came by.
//
//   nest build && node tools/bundle.mjs
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const dist = fileURLToPath(new URL('../dist', import.meta.url));
const entries = {
  index: 'index.js',
  testing: 'testing.js',
  'ai-sdk/index': 'ai-sdk/index.js',
  'cli/main': 'cli/main.js',
  // Not exported: what the benches of strategies stand on.
  'replay/index': 'replay/index.js',
  // No entry of the package: the classification bench measures what is shipped.
  'classification/trained/index': 'classification/trained/index.js',
};

const bundle = await rolldown({
  input: Object.fromEntries(Object.entries(entries).map(([name, file]) => [name, join(dist, file)])),
  // Dependencies and peers stay the application's own.
  external: (id) => !id.startsWith('.') && !id.startsWith('/'),
  platform: 'node',
  treeshake: false,
});
const { output } = await bundle.generate({
  format: 'esm',
  entryFileNames: '[name].js',
  chunkFileNames: 'chunks/[name].js',
  // Names of classes are tokens of injection and stand in messages.
  keepNames: true,
});
const compiled = (await readdir(dist, { recursive: true })).filter((file) => file.endsWith('.js'));
await Promise.all(compiled.map((file) => rm(join(dist, file))));
for (const { fileName, code } of output) {
  await mkdir(dirname(join(dist, fileName)), { recursive: true });
  await writeFile(join(dist, fileName), code);
}
await bundle.close();
process.stdout.write(`${compiled.length} files into ${output.length}\n`);
