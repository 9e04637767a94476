import { concealExpanded, inspectConfiguration, type LlmRouterConfiguration } from '../config/index.js';
import { ConfigurationError } from '../errors/configuration-error.js';
import { type CompiledPolicy, compilePolicy } from './compile-policy.js';
import { findUnknownNames } from './find-unknown-names.js';

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
  const refuse = (found: ConfigurationError['issues'], isPartial = false): ConfigurationError =>
    new ConfigurationError(concealExpanded(found, expanded), isPartial);
  if (!isReadable) {
    const isNothingRead = issues.some(({ path }) => path === '');
    throw refuse([...issues, ...findUnknownNames(configuration, issues)], !isNothingRead);
  }
  let compiled: CompiledPolicy;
  try {
    compiled = compilePolicy(configuration);
  } catch (error) {
    throw error instanceof ConfigurationError ? refuse([...issues, ...error.issues], error.isPartial) : error;
  }
  if (issues.length > 0) throw refuse(issues);
  return { ...compiled, configuration, warnings: concealExpanded(compiled.warnings, expanded) };
}
