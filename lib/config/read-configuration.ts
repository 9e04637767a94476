import { ConfigurationError, type ConfigurationIssue } from '../errors/configuration-error.js';
import { fillFromAwsEnvironment } from './aws-environment.js';
import { environmentProviders, environmentVariableOf } from './environment-providers.js';
import { LlmRouterConfiguration } from './options/llm-router.options.js';
import { isRecord, ReadingContext, readSection } from './read-section.js';

/** What reading raw options came to. */
export interface ConfigurationReading {
  readonly configuration: LlmRouterConfiguration;
  readonly issues: readonly ConfigurationIssue[];
  /** Whether the configuration can be looked into for further problems, although it has some. */
  readonly isReadable: boolean;
  /** Values out of the environment, to the variable's name. */
  readonly expanded: ReadonlyMap<string, string>;
}

/**
 * Reads raw options into the configuration: any spelling of our keys, `${ENV}` expanded, defaults filled in,
 * providers taken from the environment where the options name none.
 *
 * @throws {@link ConfigurationError} with every problem at once, each by its path.
 */
export function readConfiguration(
  raw: unknown,
  environment: NodeJS.ProcessEnv = process.env,
): LlmRouterConfiguration {
  const { configuration, issues } = inspectConfiguration(raw, environment);
  if (issues.length > 0) throw new ConfigurationError(issues);
  return configuration;
}

/** The same without the throw, for who goes on to look for more. */
export function inspectConfiguration(raw: unknown, environment: NodeJS.ProcessEnv): ConfigurationReading {
  const context = new ReadingContext(environment);
  const { issues, expanded } = context;
  const configuration = readSection(LlmRouterConfiguration, raw, '', context);
  if (!isRecord(raw)) return { configuration, issues, isReadable: false, expanded };

  if (configuration.providers === undefined || Object.keys(configuration.providers).length === 0) {
    // Read like the file's own, so that a bad base URL in the environment is refused too, by its variable's name.
    const found = new ReadingContext({});
    const fromEnvironment = { providers: environmentProviders(environment) };
    configuration.providers = readSection(LlmRouterConfiguration, fromEnvironment, '', found).providers;
    context.hasBadValues ||= found.hasBadValues;
    issues.push(...found.issues.map(({ path, message }) => ({ path: environmentVariableOf(path), message })));
  }
  for (const [name, provider] of Object.entries(configuration.providers ?? {})) {
    if (!isRecord(provider)) continue;
    const { apiKey, apiKeys } = provider;
    const path = `providers.${name}.apiKeys`;
    if (apiKey !== undefined && apiKeys !== undefined) {
      issues.push({ path, message: 'give either `apiKey` or `apiKeys`, not both' });
    }
    if (Array.isArray(apiKeys)) {
      apiKeys.forEach((key, index) => {
        if (apiKeys.indexOf(key) < index) {
          issues.push({ path: `${path}[${index}]`, message: 'the same key is listed twice' });
        }
      });
    }
    issues.push(...fillFromAwsEnvironment(provider, environment));
  }
  const isReported = (path: string): boolean => issues.some((issue) => issue.path === path);
  for (const [name, rule] of Object.entries(configuration.routingRules ?? {})) {
    const path = `routingRules.${name}`;
    const named = [rule.primary, rule.fallback, rule.emergency].some((models) => models !== undefined);
    if (rule.tiers !== undefined && named) {
      issues.push({ path, message: 'give either `tiers` or `primary`, `fallback`, `emergency`, not both' });
    }
    if (rule.tiers === undefined && rule.primary === undefined) {
      issues.push({ path, message: "`primary` is required: a model's name or a list of names" });
    }
    const tiers = rule.tiers?.length ?? 1;
    if ((tiers < 1 || tiers > 3) && !isReported(`${path}.tiers`)) {
      issues.push({ path: `${path}.tiers`, message: 'one to three tiers' });
    }
  }
  for (const [name, model] of Object.entries(configuration.models ?? {})) {
    if (model.provider !== undefined && model.deployments !== undefined) {
      issues.push({ path: `models.${name}`, message: 'give either `provider` or `deployments`, not both' });
    }
    if (model.deployments?.length === 0 && !isReported(`models.${name}.deployments`)) {
      issues.push({ path: `models.${name}.deployments`, message: 'name at least one deployment' });
    }
  }
  const keys = configuration.http.apiKeys ?? [];
  keys.forEach((entry, index) => {
    if (keys.findIndex((other) => other.key === entry.key) < index) {
      issues.push({ path: `http.apiKeys[${index}].key`, message: 'the same key is listed twice' });
    }
  });
  return { configuration, issues, isReadable: !context.hasBadValues, expanded };
}
