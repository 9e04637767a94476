import { withoutModuleExtras } from './config/index.js';
import type { ConfigurationIssue } from './errors/index.js';
import type { LlmRouterModuleOptions } from './llm-router.module-definition.js';
import { bootTable, compileOptions } from './planning/index.js';

/**
 * What a configuration comes to.
 *
 * @publicApi
 */
export interface LlmRouterOptionsReport {
  /** What the boot would warn of. */
  readonly warnings: readonly ConfigurationIssue[];
  /** The table the boot would print. */
  readonly table: string;
}

/**
 * Proves a configuration without starting anything: for a CI step, or for a message of one's own before the
 * application is made. What `forRoot` takes beside the configuration (`isGlobal` and its like) is passed over.
 *
 * @throws {@link ConfigurationError} with every problem at once.
 * @example
 * ```ts
 * console.log(checkLlmRouterOptions(await loadConfigurationFile('router.yaml')).table);
 * ```
 * @publicApi
 */
export function checkLlmRouterOptions(options: LlmRouterModuleOptions): LlmRouterOptionsReport {
  const { policy, warnings } = compileOptions(withoutModuleExtras(options));
  return { warnings, table: bootTable(policy) };
}
