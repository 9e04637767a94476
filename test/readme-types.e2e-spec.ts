import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');

/** What the text around the snippets says they are given. */
const GIVEN = `
import type OpenAI from 'openai';
import type { RouterService } from 'nestjs-llm-router';
declare global {
  const router: RouterService;
  const client: OpenAI;
  const expect: typeof import('vitest').expect;
}
`;

/** A file for each snippet with imports, under the name by which another one imports it. */
function filesOf(markdown: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const [, text = ''] of markdown.matchAll(/```ts\n([\s\S]*?)```/g)) {
    if (!/^(import|declare module) /m.test(text)) continue;
    const className = /export class (\w+)/.exec(text)?.[1] ?? `Snippet${files.size}`;
    const name = className.replace(/(?=(Module|Controller)$)/, '.').toLowerCase();
    const file = text.includes('declare module') ? 'llm-surfaces.d.ts' : `${name}.ts`;
    if (files.has(file)) throw new Error(`two snippets are called ${file}`);
    files.set(file, text);
  }
  return files;
}

/** The compiler's complaints about the snippets, in an application of their own. */
function complaints(snippets: ReadonlyMap<string, string>): string[] {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), (path) => ts.sys.readFile(path)) as {
    config: unknown;
  };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
  const files = new Map(
    [...snippets, ['given.ts', GIVEN] as const].map(([name, text]) => [join(ROOT, 'test', name), text]),
  );
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists, readFile } = host;
  host.fileExists = (path) => files.has(path) || fileExists(path);
  host.readFile = (path) => files.get(path) ?? readFile(path);
  host.getSourceFile = (path, version) => {
    const text = files.get(path);
    return text === undefined ? getSourceFile(path, version) : ts.createSourceFile(path, text, version);
  };
  const program = ts.createProgram([...files.keys()], options, host);
  return [...files.keys()].flatMap((path) =>
    ts
      .getPreEmitDiagnostics(program, program.getSourceFile(path))
      .map(
        ({ messageText }) =>
          `${path.slice(ROOT.length)}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
      ),
  );
}

describe("the README's snippets", () => {
  const snippets = filesOf(readme);

  it('compile together, as one application with its surfaces declared', () => {
    expect([...snippets.keys()]).toEqual(
      expect.arrayContaining([
        'app.module.ts',
        'chat.controller.ts',
        'drafts.module.ts',
        'llm-surfaces.d.ts',
      ]),
    );
    expect(complaints(snippets)).toEqual([]);
  }, 90_000);
});
