// Writes the files of the operators' page into a module: what is published is compiled code alone, and no file has to be
// found while the application runs.
//
//   node tools/embed-page.mjs
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const page = new URL('../lib/http/page/', import.meta.url);
const files = { PAGE_HTML: 'page.html', PAGE_CSS: 'page.css', PAGE_SCRIPT: 'page.mjs' };

const texts = await Promise.all(
  Object.entries(files).map(async ([name, file]) => {
    const text = await readFile(new URL(`assets/${file}`, page), 'utf8');
    const lines = text.split('\n').map((line) => `  ${JSON.stringify(line)},`);
    return `/** \`assets/${file}\`. */\nexport const ${name} = [\n${lines.join('\n')}\n].join('\\n');\n`;
  }),
);
const target = fileURLToPath(new URL('page-assets.ts', page));
await writeFile(
  target,
  ['// Made of the files in `assets/` by tools/embed-page.mjs: change them, and run it.', ...texts].join(
    '\n',
  ),
);
