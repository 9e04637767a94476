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
      OPENAI_KEY_A: 'a',
      OPENAI_KEY_B: 'b',
      ALERT_SECRET: 'a secret of sixteen letters or more',
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

  const parts = blocks('yml');

  it('has parts', () => {
    expect(parts.length).toBeGreaterThanOrEqual(5);
  });

  it.each(parts)('is accepted in each of its parts, over providers and rules: %s', async (yaml) => {
    const file = join(folder, 'part.yaml');
    await writeFile(file, yaml);
    const part = (await loadConfigurationFile(file)) as LlmRouterOptions;
    const { warnings } = checkLlmRouterOptions({
      routingRules: {
        simple_queries: { primary: 'gpt-4o', fallback: 'claude-haiku' },
        complex_reasoning: { primary: ['gpt-4.1', 'gpt-4o'], fallback: 'claude-opus' },
      },
      ...part,
      providers: {
        openai: { api: 'openai', apiKey: 'o' },
        anthropic: { api: 'anthropic', apiKey: 'a' },
        ...part.providers,
      },
    });
    // That a hop has a smaller window is nothing to mend.
    expect(warnings.filter(({ message }) => !message.includes('cannot take'))).toEqual([]);
  });
});
