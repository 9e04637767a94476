import { readVertexModel } from '../catalog/index.js';
import { hasKeys, type ProviderOptions } from '../config/index.js';
import type { ProofNotes } from './proof-notes.js';

/** Proves that what a deployment at Vertex AI calls is a name there, of a publisher whose wire the router speaks. */
export function checkVertexModel(
  path: string,
  upstreamModel: string,
  provider: Pick<ProviderOptions, 'apiKey' | 'apiKeys'>,
  notes: ProofNotes,
): void {
  const model = readVertexModel(upstreamModel);
  if (model === undefined) {
    notes.error(
      path,
      'api "vertex" calls models of Google and Anthropic, named as Vertex AI names them; for those of other makers add a provider with api "openai-compatible" and the base URL of Vertex AI\'s OpenAI endpoint',
    );
    return;
  }
  if (model.publisher !== 'anthropic') return;
  const dated = /^(.+)-(\d{8})$/.exec(model.model);
  if (dated !== null) {
    notes.error(path, `Vertex AI writes a date behind an @: "${dated[1] ?? ''}@${dated[2] ?? ''}"`);
  }
  if (hasKeys(provider)) {
    notes.error(path, 'Claude is not in express mode: leave the `apiKey` of its provider out');
  }
}
