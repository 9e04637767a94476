import { fold } from './fold.js';
import { knownKeys } from './known-keys.js';
import { MODULE_EXTRAS } from './module-extras.js';
import { sectionsOf, unsupportedKeysOf } from './section.decorators.js';
import { didYouMean } from './suggest.js';

type OptionsClass = new () => object;

/** The message for a key that its section does not know; at the root also for those that live elsewhere. */
export function describeUnknownKey(key: string, type: OptionsClass, isRoot: boolean): string {
  const written = key.slice(0, 256);
  if (!isRoot) return `unknown key.${didYouMean(written, knownKeys(type).values())}`;
  const folded = fold(key);
  const extra = MODULE_EXTRAS.find((name) => fold(name) === folded);
  if (extra !== undefined) {
    return extra === key
      ? 'belongs beside `useFactory`, not in the configuration'
      : `belongs into \`forRoot\` or beside \`useFactory\`, spelt \`${extra}\``;
  }
  const hint = didYouMean(written, [...knownKeys(type).values(), ...MODULE_EXTRAS]);
  if (hint !== '') return `unknown key.${hint}`;
  const places = placesOf(folded, type);
  if (places.length === 0) return 'unknown key.';
  const isSupported = places.some((place) => place.isSupported);
  const names = places
    .filter((place) => place.isSupported === isSupported)
    .map(({ path }) => `\`${path}\``)
    .join(' or ');
  return `unknown key: it belongs under ${names}${isSupported ? '' : '; not supported in this version'}`;
}

interface Place {
  /** `surfaces.<name>`. */
  readonly path: string;
  readonly isSupported: boolean;
}

/** The sections under `type` that have a key of this folded spelling. */
function placesOf(folded: string, type: OptionsClass, path = ''): Place[] {
  return [...sectionsOf(type)].flatMap(([property, section]) => {
    const suffix = section.kind === 'map' ? '.<name>' : section.kind === 'list' ? '[]' : '';
    const inner = section.type();
    const place = `${path === '' ? '' : `${path}.`}${property}${suffix}`;
    const isSupported = knownKeys(inner).has(folded);
    const isPlanned = [...unsupportedKeysOf(inner).keys()].some((name) => fold(name) === folded);
    const here = isSupported || isPlanned ? [{ path: place, isSupported }] : [];
    return [...here, ...placesOf(folded, inner, place)];
  });
}
