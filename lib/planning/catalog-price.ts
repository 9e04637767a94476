import type { CatalogModel, ModelPrice } from '../catalog/index.js';
import type { ProviderOptions } from '../config/index.js';
import { makerOf } from './maker-of.js';

/**
 * The catalogue's price of a model at a provider. Open weights are priced by whoever hosts them: the maker's price
 * stands for them at the maker's own API alone, and anywhere else it is for the configuration to say.
 */
export function catalogPrice(
  facts: CatalogModel | undefined,
  provider: Pick<ProviderOptions, 'api' | 'baseUrl'>,
): ModelPrice | undefined {
  if (facts?.openWeights !== true) return facts?.price;
  return makerOf(provider) === facts.maker ? facts.price : undefined;
}
