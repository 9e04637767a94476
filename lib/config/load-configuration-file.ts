import { readFile, stat } from 'node:fs/promises';
import { ConfigurationError } from '../errors/configuration-error.js';
import { isRecord } from './read-section.js';

const MAX_BYTES = 1024 * 1024;

function problem(path: string, message: string): ConfigurationError {
  return new ConfigurationError([{ path, message }]);
}

/**
 * Reads a JSON or YAML file (JSON is YAML) of at most 1 MB for `LlmRouterModule.forRoot`.
 *
 * @throws {@link ConfigurationError} of one problem whose path is the file's name.
 * @publicApi
 */
export async function loadConfigurationFile(file: string): Promise<Record<string, unknown>> {
  return parseConfigurationText(await readConfigurationText(file), file);
}

/** @throws as {@link loadConfigurationFile}. */
export async function readConfigurationText(file: string): Promise<string> {
  try {
    const found = await stat(file);
    // A pipe or a device has no size to check, and may never end.
    if (!found.isFile()) throw problem(file, 'is not a file');
    if (found.size > MAX_BYTES) throw problem(file, `is over 1 MB (${found.size} bytes)`);
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw problem(file, code === 'ENOENT' ? 'there is no such file' : `cannot be read (${code})`);
  }
}

/** @throws as {@link loadConfigurationFile}. */
export async function parseConfigurationText(text: string, file: string): Promise<Record<string, unknown>> {
  // Loaded here alone: most applications write their options in code.
  const { parse, YAMLParseError } = await import('yaml');
  let content: unknown;
  try {
    content = parse(text, { maxAliasCount: 100, prettyErrors: false, logLevel: 'error' });
  } catch (error) {
    // Only the place: the parser's own message quotes the line, which may hold a key.
    const position = error instanceof YAMLParseError ? ` (near character ${error.pos[0]})` : '';
    throw problem(file, `is neither JSON nor YAML${position}`);
  }
  if (!isRecord(content)) throw problem(file, 'must hold an object at its top');
  return content;
}
