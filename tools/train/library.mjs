// The library's own learning code, from its sources: the weights are made before the package that holds them is built.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';

const LIBRARY = fileURLToPath(new URL('../../lib/classification/trained/', import.meta.url));

/** @param {readonly string[]} files of `lib/classification/trained`, whose exports are wanted */
export async function loadLibrary(files) {
  const directory = await mkdtemp(join(tmpdir(), 'train-classifier-'));
  try {
    const entry = join(directory, 'entry.ts');
    await writeFile(
      entry,
      files.map((file) => `export * from ${JSON.stringify(join(LIBRARY, file))};`).join('\n'),
    );
    const bundle = await rolldown({
      input: entry,
      platform: 'node',
      resolve: { extensionAlias: { '.js': ['.ts', '.js'] } },
    });
    const { output } = await bundle.generate({ format: 'esm' });
    await bundle.close();
    const built = join(directory, 'library.mjs');
    await writeFile(built, output[0].code);
    return await import(pathToFileURL(built).href);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
