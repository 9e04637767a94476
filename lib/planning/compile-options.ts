import { concealExpanded, inspectConfiguration, type LlmRouterConfiguration } from '../config/index.js';
import { ConfigurationError } from '../errors/configuration-error.js';
import { type CompiledPolicy, compilePolicy } from './compile-policy.js';

export interface CompiledOptions extends CompiledPolicy {
  readonly configuration: LlmRouterConfiguration;
}

/**
 * Raw options to the policy: reads, compiles and proves them. Problems of both steps come together: a misspelt key
 * does not hide a misspelt model. No message quotes what came out of the environment.
 *
 * @throws {@link ConfigurationError} with every problem.
 */
export function compileOptions(raw: unknown, environment: NodeJS.ProcessEnv = process.env): CompiledOptions {
  const { configuration, issues, isReadable, expanded } = inspectConfiguration(raw, environment);
  const refuse = (found: ConfigurationError['issues']): ConfigurationError =>
    new ConfigurationError(concealExpanded(found, expanded));
  if (!isReadable) throw refuse(issues);
  let compiled: CompiledPolicy;
  try {
    compiled = compilePolicy(configuration);
  } catch (error) {
    throw error instanceof ConfigurationError ? refuse([...issues, ...error.issues]) : error;
  }
  if (issues.length > 0) throw refuse(issues);
  return { ...compiled, configuration, warnings: concealExpanded(compiled.warnings, expanded) };
}
