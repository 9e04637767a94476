import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { beforeAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FIXTURE = join(ROOT, 'test/types/surfaces.ts');
const EXPECTED = /^ *\/\/ @ts-expect-error -- misspelt\n/gm;

/** The compiler's complaints about the fixture, with `text` in its place. */
function complaints(text: string, old?: ts.Program): { messages: string[]; program: ts.Program } {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), (path) => ts.sys.readFile(path)) as {
    config: unknown;
  };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, dirname(join(ROOT, 'tsconfig.json')));
  const host = ts.createCompilerHost(options);
  const read = host.getSourceFile.bind(host);
  host.getSourceFile = (name, version) =>
    name === FIXTURE
      ? ts.createSourceFile(name, text, version)
      : (old?.getSourceFile(name) ?? read(name, version));
  const program = ts.createProgram([FIXTURE], options, host, old);
  const messages = ts
    .getPreEmitDiagnostics(program, program.getSourceFile(FIXTURE))
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
  return { messages, program };
}

describe('surfaces known to the compiler', () => {
  const text = readFileSync(FIXTURE, 'utf8');
  let whole: ReturnType<typeof complaints>;

  beforeAll(() => {
    whole = complaints(text);
  });

  it('compile where they are spelt right, with typed overrides', () => {
    expect(whole.messages).toEqual([]);
  });

  it('are red where they are misspelt: decorator, call, runWith and configuration', () => {
    expect(text.match(EXPECTED)).toHaveLength(4);
    const { messages } = complaints(text.replaceAll(EXPECTED, ''), whole.program);
    expect(messages).toHaveLength(4);
    expect(messages[0]).toContain('"suport"');
    expect(messages[1]).toContain('"report"');
    expect(messages[2]).toContain('"Support"');
    expect(messages[3]).toContain('suport');
  });

  it('are any string while none is declared', () => {
    const undeclared = text.replace(/declare module[\s\S]*?\n}\n/, '').replaceAll(EXPECTED, '');
    expect(complaints(undeclared, whole.program).messages).toEqual([]);
  });
});
