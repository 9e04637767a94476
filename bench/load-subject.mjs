// Bundles what a bench measures, from the sources, and loads it: nothing has to be built before.
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** @param bench - The folder below `bench/` whose `subject.mjs` exports it. */
export async function loadSubject(bench) {
  const build = await rolldown({
    input: join(root, 'bench', bench, 'subject.mjs'),
    external: (id) => !/^(?:[./\0]|@oxc-project\/)/.test(id),
    platform: 'node',
    tsconfig: join(root, 'tsconfig.json'),
  });
  const file = join(root, 'bench', bench, 'dist', `${process.pid}.mjs`);
  await build.write({ file, format: 'esm', codeSplitting: false });
  await build.close();
  try {
    await import('reflect-metadata');
    return await import(pathToFileURL(file).href);
  } finally {
    await rm(file, { force: true });
  }
}
