import { createRequire } from 'node:module';
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

/**
 * The packages that have to be installed for a Bedrock provider and are not.
 *
 * @param isSigning Requests are signed: there is no API key.
 * @param isInstalled Whether a package can be loaded from here.
 */
export function missingBedrockPackages(
  { isSigning }: { readonly isSigning: boolean },
  isInstalled: (name: BedrockPackage) => boolean = canResolve,
): readonly BedrockPackage[] {
  return [...STREAMS, ...(isSigning ? SIGNATURES : [])].filter((name) => !isInstalled(name));
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

function canResolve(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(name);
    return true;
  } catch (error) {
    // Anything else was found, and is only not for `require`.
    return (error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND';
  }
}
