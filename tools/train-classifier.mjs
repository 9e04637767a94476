// Trains the built-in classifier from the recorded outcomes beside the checkout and our own everyday prompts, and writes the
// weights the package ships, the same bits every time.
//
//   npm run train:classifier                 writes lib/classification/trained/built-in-weights.ts
//   npm run train:classifier -- --verify     says whether the shipped weights are those; exit code 1 where not
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readEverydayPrompts } from './train/everyday-prompts.mjs';
import { loadLibrary } from './train/library.mjs';
import { hasRoutingData, readRoutingData } from './train/routing-data.mjs';
import { LIBRARY_FILES, trainModel } from './train/train-model.mjs';

const WEIGHTS = fileURLToPath(new URL('../lib/classification/trained/built-in-weights.ts', import.meta.url));

const { values } = parseArgs({ options: { verify: { type: 'boolean', default: false } } });

if (!hasRoutingData) {
  process.stdout.write(
    'Nothing done: the recorded outcomes (../shared/routing-data) are not beside the checkout.\n',
  );
} else {
  const startedAt = performance.now();
  const library = await loadLibrary(LIBRARY_FILES);
  const rows = readRoutingData().map(({ dataset, subset, prompt, strong, weak }) => ({
    dataset,
    subset,
    gain: strong - weak,
    reading: library.readPrompt(prompt),
  }));
  const everyday = readEverydayPrompts().map(({ prompt, complex }) => ({
    complex,
    reading: library.readPrompt(prompt),
  }));
  const bytes = library.encodeWeights(trainModel(library, rows, everyday));
  const source = `// Written by \`npm run train:classifier\`: hashed weights of the built-in classifier, no text. A module, and no file beside
// it, so that it is found after any bundling and under any module system.
// Without the type the declaration file would hold it all again.
// eslint-disable-next-line @typescript-eslint/no-inferrable-types
export const builtInWeights: string =
  '${Buffer.from(bytes).toString('base64')}';
`;
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0);
  const digest = createHash('sha256').update(bytes).digest('hex');
  process.stdout.write(
    `${rows.length} rows, ${everyday.length} everyday prompts: ${bytes.length} bytes in ${seconds} s\n`,
  );
  process.stdout.write(`sha256 ${digest}\n`);
  if (!values.verify) {
    writeFileSync(WEIGHTS, source);
  } else if (readFileSync(WEIGHTS, 'utf8') === source) {
    process.stdout.write('These are the shipped weights, bit for bit.\n');
  } else {
    process.stdout.write('The shipped weights are others: run `npm run train:classifier` and commit.\n');
    process.exitCode = 1;
  }
}
