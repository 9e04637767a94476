import { loadConfigurationFile } from '../config/index.js';
import { ConfigurationError } from '../errors/configuration-error.js';
import { type CompiledOptions, compileOptions } from '../planning/index.js';
import { UsageError } from './usage-error.js';

const REFERENCE = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g;
/** Nothing is called: what stands in for a key that is not there need only look like one. */
const NO_KEY = 'not-set-and-not-needed';
const NO_URL = 'http://not-set.invalid';
const PROVIDER_KEYS = ['OPENAI_API_KEY', 'ANTHROPIC_API_KEY', 'GEMINI_API_KEY'];

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What a variable that is not set is taken for, by the key whose value it is. */
function standInFor(key: string, isWhole: boolean): string {
  const folded = key.toLowerCase().replaceAll('_', '');
  if (folded === 'baseurl') return isWhole ? NO_URL : 'not-set.invalid';
  if (folded === 'region') return 'us-east-1';
  return NO_KEY;
}

/** The environment with stand-ins for what the configuration refers to and does not find. */
function withStandIns(raw: Record<string, unknown>, environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const filled: NodeJS.ProcessEnv = { ...environment };
  const visit = (value: unknown, key: string): void => {
    if (typeof value === 'string') {
      for (const [reference, name = ''] of value.matchAll(REFERENCE)) {
        // Empty is as good as not set.
        if (filled[name] === undefined || filled[name] === '')
          filled[name] = standInFor(key, reference === value);
      }
    } else if (Array.isArray(value)) {
      for (const entry of value) visit(entry, key);
    } else if (isRecord(value)) {
      for (const [name, entry] of Object.entries(value)) visit(entry, name);
    }
  };
  visit(raw, '');
  const hasProviders = isRecord(raw.providers) && Object.keys(raw.providers).length > 0;
  if (!hasProviders && !PROVIDER_KEYS.some((name) => filled[name])) {
    for (const name of PROVIDER_KEYS) filled[name] = NO_KEY;
  }
  return filled;
}

/**
 * Reads and proves a configuration file for a command that calls nobody: keys need not be there.
 *
 * @throws {@link UsageError} with every problem, each line with the file before it.
 */
export async function loadOffline(file: string, environment: NodeJS.ProcessEnv): Promise<CompiledOptions> {
  try {
    const raw = await loadConfigurationFile(file);
    return compileOptions(raw, withStandIns(raw, environment));
  } catch (error) {
    throw asUsageError(error, file);
  }
}

/** Problems of a file, one a line, as the command shows them. */
export function asUsageError(error: unknown, file: string): unknown {
  if (!(error instanceof ConfigurationError)) return error;
  return new UsageError(
    error.issues
      .map(({ path, message }) =>
        path === file ? `${file}: ${message}` : `${file}: ${path || '(root)'}: ${message}`,
      )
      .join('\n'),
  );
}
