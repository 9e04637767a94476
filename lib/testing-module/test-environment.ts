/** Variables that hold an address, by their usual names. */
const ADDRESS = /(?:URL|URI|ENDPOINT|BASE)$/i;

/**
 * The process's environment, in which nothing is unset: a test needs no key. What is unset reads as `test-openai-api-key`,
 * or as an address that leads nowhere where the name says that it is one.
 */
export function testEnvironment(): NodeJS.ProcessEnv {
  return new Proxy<NodeJS.ProcessEnv>(
    {},
    {
      get: (_target, name) => {
        if (typeof name !== 'string') return undefined;
        const value = process.env[name];
        if (value !== undefined && value !== '') return value;
        const label = name.toLowerCase().replaceAll('_', '-');
        return ADDRESS.test(name) ? `http://${label}.invalid` : `test-${label}`;
      },
    },
  );
}
