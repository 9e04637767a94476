import { ProviderError } from '../../errors/provider-error.js';

/** The vendor's own packages that only users of Bedrock need, and what for: optional peers, loaded late. */
const STREAMS = ['@smithy/eventstream-codec'] as const;
const SIGNATURES = [
  '@aws-sdk/credential-provider-node',
  '@smithy/signature-v4',
  '@aws-crypto/sha256-js',
] as const;

/** One of the packages that Bedrock needs. */
export type BedrockPackage = (typeof STREAMS)[number] | (typeof SIGNATURES)[number];

/** Written out, for bundlers to see. */
const LOADERS: Readonly<Record<BedrockPackage, () => Promise<unknown>>> = {
  '@smithy/eventstream-codec': () => import('@smithy/eventstream-codec'),
  '@aws-sdk/credential-provider-node': () => import('@aws-sdk/credential-provider-node'),
  '@smithy/signature-v4': () => import('@smithy/signature-v4'),
  '@aws-crypto/sha256-js': () => import('@aws-crypto/sha256-js'),
};

/**
 * The packages that have to be installed for a Bedrock provider and are not: those that cannot be loaded.
 *
 * @param isSigning Requests are signed: there is no API key.
 */
export async function missingBedrockPackages(
  { isSigning }: { readonly isSigning: boolean },
  loaders = LOADERS,
): Promise<readonly BedrockPackage[]> {
  const wanted = [...STREAMS, ...(isSigning ? SIGNATURES : [])];
  const isThere = await Promise.all(
    wanted.map((name) =>
      loaders[name]().then(
        () => true,
        () => false,
      ),
    ),
  );
  return wanted.filter((_name, index) => isThere[index] !== true);
}

/**
 * Loads one of them.
 *
 * @param load Its `import()`: written out where it is used, for bundlers to see.
 * @throws {@link ProviderError} of kind `not_found` that says what to install. The boot has looked already: it is for
 * packages that went away since.
 */
export async function loadBedrockPackage<Module>(
  name: BedrockPackage,
  load: () => Promise<Module>,
): Promise<Module> {
  try {
    return await load();
  } catch {
    throw new ProviderError({ kind: 'not_found', providerCode: `npm install ${name}` });
  }
}
