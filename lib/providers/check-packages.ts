import { hasKeys, type LlmRouterConfiguration } from '../config/index.js';
import { ConfigurationError, type ConfigurationIssue } from '../errors/configuration-error.js';
import { missingBedrockPackages } from './bedrock/bedrock-packages.js';

/**
 * Sees to it at boot that what some providers need beside the router is installed, so that no first request finds out.
 *
 * @param findMissing - Looks for what is not installed.
 * @throws {@link ConfigurationError} with what to install.
 */
export async function checkPackages(
  { providers }: Pick<LlmRouterConfiguration, 'providers'>,
  findMissing: (wanted: {
    readonly isSigning: boolean;
  }) => Promise<readonly string[]> = missingBedrockPackages,
): Promise<void> {
  const issues: ConfigurationIssue[] = [];
  for (const [name, provider] of Object.entries(providers ?? {})) {
    if (provider.api !== 'bedrock') continue;
    const isSigning = !hasKeys(provider);
    const missing = await findMissing({ isSigning });
    if (missing.length === 0) continue;
    const message = `api "bedrock" ${isSigning ? 'without an `apiKey` ' : ''}needs: npm install ${missing.join(' ')}`;
    issues.push({ path: `providers.${name}.api`, message });
  }
  if (issues.length > 0) throw new ConfigurationError(issues);
}
