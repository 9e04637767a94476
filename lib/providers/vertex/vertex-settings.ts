import {
  GOOGLE_CLOUD_LOCATION,
  GOOGLE_CLOUD_PROJECT,
  hasKeys,
  type ProviderOptions,
} from '../../config/index.js';
import { ConfigurationError } from '../../errors/configuration-error.js';

/** Where a provider's calls to Vertex AI go. */
export interface VertexSettings {
  /** Undefined: that of the credentials, known once they are there. */
  readonly project: string | undefined;
  readonly location: string;
  /** Express mode: an API key, and neither project nor location in the path. */
  readonly isExpress: boolean;
  /** `gs://` addresses are passed on to Gemini. */
  readonly readsBuckets: boolean;
}

/** As if nothing were configured. */
export const VERTEX_DEFAULTS: VertexSettings = {
  project: undefined,
  location: 'global',
  isExpress: false,
  readsBuckets: false,
};

/**
 * The settings of a provider, with the environment's where it names none: `GOOGLE_CLOUD_PROJECT`, `GCLOUD_PROJECT`,
 * `GOOGLE_CLOUD_LOCATION`, as Google's own SDKs read them.
 *
 * @throws {@link ConfigurationError} for a variable that is no project or location.
 */
export function readVertexSettings(
  provider: Pick<ProviderOptions, 'apiKey' | 'apiKeys' | 'project' | 'location' | 'bucketFiles'>,
  environment: NodeJS.ProcessEnv,
): VertexSettings {
  const readsBuckets = provider.bucketFiles === true;
  if (hasKeys(provider)) {
    return { ...VERTEX_DEFAULTS, isExpress: true, readsBuckets };
  }
  return {
    project:
      provider.project ??
      fromEnvironment(environment, ['GOOGLE_CLOUD_PROJECT', 'GCLOUD_PROJECT'], GOOGLE_CLOUD_PROJECT),
    location:
      provider.location ??
      fromEnvironment(environment, ['GOOGLE_CLOUD_LOCATION'], GOOGLE_CLOUD_LOCATION) ??
      VERTEX_DEFAULTS.location,
    isExpress: false,
    readsBuckets,
  };
}

function fromEnvironment(
  environment: NodeJS.ProcessEnv,
  names: readonly string[],
  pattern: RegExp,
): string | undefined {
  // An empty variable is as good as none.
  const name = names.find((candidate) => (environment[candidate] ?? '') !== '');
  if (name === undefined) return undefined;
  const value = environment[name] ?? '';
  if (!pattern.test(value)) {
    throw new ConfigurationError([
      { path: name, message: 'the environment variable is no name that Google Cloud gives' },
    ]);
  }
  return value;
}
