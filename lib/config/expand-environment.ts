import type { ConfigurationIssue } from '../errors/configuration-error.js';

const REFERENCE = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

/** Replaces `${NAME}` by the environment variable; an unset one is an issue that names it. */
export function expandEnvironment(
  text: string,
  path: string,
  environment: NodeJS.ProcessEnv,
  issues: ConfigurationIssue[],
): string {
  return text.replace(REFERENCE, (reference, name: string) => {
    const value = environment[name];
    if (value === undefined || value === '') {
      issues.push({ path, message: `the environment variable ${name} is not set` });
      return reference;
    }
    return value;
  });
}
