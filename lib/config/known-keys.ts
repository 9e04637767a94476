import { getMetadataStorage } from './class-validator.js';
import { fold } from './fold.js';
import { sectionsOf } from './section.decorators.js';

/** The keys of an options class, to their names from their folded spelling. */
export function knownKeys(type: new () => object): Map<string, string> {
  const metadata = getMetadataStorage().getTargetValidationMetadatas(type, '', false, false);
  const names = [...metadata.map((entry) => entry.propertyName), ...sectionsOf(type).keys()];
  return new Map(names.map((name) => [fold(name), name]));
}
