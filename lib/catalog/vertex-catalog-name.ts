import { readVertexModel } from './vertex-model.js';

/**
 * What the catalogue calls a model of Vertex AI: the publisher goes, and the date of a Claude stands behind a dash there
 * (`claude-sonnet-4-5-20250929`), at Vertex behind an `@`. A name that Vertex does not have stays as it is.
 */
export function vertexCatalogName(name: string): string {
  const model = readVertexModel(name)?.model ?? name;
  return model.replace(/@default$/, '').replace(/@(?=\d{8}$)/, '-');
}
