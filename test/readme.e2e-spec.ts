import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkLlmRouterOptions, loadConfigurationFile, type LlmRouterOptions } from 'nestjs-llm-router';

const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');

function blocks(language: string): string[] {
  return [...readme.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(
    ([, text]) => text ?? '',
  );
}

describe("the README's configuration", () => {
  const before = { ...process.env };
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'readme-'));
    Object.assign(process.env, {
      OPENAI_API_KEY: 'o',
      ANTHROPIC_API_KEY: 'a',
      AZURE_OPENAI_API_KEY: 'z',
      ROUTER_API_KEY: 'r',
      OPERATOR_KEY: 'p',
    });
  });

  afterEach(async () => {
    process.env = before;
    await rm(folder, { recursive: true });
  });

  it('is accepted as it stands, the YAML blocks together', async () => {
    const yaml = blocks('yaml');
    expect(yaml).toHaveLength(3);
    const file = join(folder, 'router.yaml');
    await writeFile(file, yaml.join('\n'));
    const options = (await loadConfigurationFile(file)) as LlmRouterOptions;
    const { table, warnings } = checkLlmRouterOptions(options);
    expect(table).toContain('legal');
    // Hops to the local model are worth a warning; models without a provider would be a mistake of ours.
    expect(warnings.map(({ message }) => message).filter((text) => text.includes('no provider'))).toEqual([]);
  });
});
