import type { ConfigurationIssue } from '../errors/configuration-error.js';

const REFERENCE = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

export interface ExpansionContext {
  readonly environment: NodeJS.ProcessEnv;
  readonly issues: ConfigurationIssue[];
  /** Values that came out of the environment, to the variable's name: they may be secrets. */
  readonly expanded: Map<string, string>;
}

/** Replaces `${NAME}` by the environment variable; an unset one is an issue that names it. */
export function expandEnvironment(text: string, path: string, context: ExpansionContext): string {
  return text.replace(REFERENCE, (reference, name: string) => {
    const value = context.environment[name];
    if (value === undefined || value === '') {
      context.issues.push({ path, message: `the environment variable ${name} is not set, or is empty` });
      return reference;
    }
    context.expanded.set(value, name);
    return value;
  });
}

/** Puts `${NAME}` back where a message quotes what came out of the environment: a key in the wrong place stays one. */
export function concealExpanded(
  issues: readonly ConfigurationIssue[],
  expanded: ReadonlyMap<string, string>,
): ConfigurationIssue[] {
  const conceal = (text: string): string =>
    [...expanded].reduce(
      (concealed, [value, name]) =>
        value.length < 4 ? concealed : concealed.replaceAll(value, `\${${name}}`),
      text,
    );
  return issues.map(({ path, message }) => ({ path: conceal(path), message: conceal(message) }));
}
