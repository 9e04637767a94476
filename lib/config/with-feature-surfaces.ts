import { ConfigurationError, type ConfigurationIssue } from '../errors/configuration-error.js';
import { isRecord } from './read-section.js';

const KEY = 'surfaces';

/**
 * The application's raw options with the surfaces that features keep beside their own code, so that one reading and
 * one proof are over all of them.
 *
 * @throws {@link ConfigurationError} for a surface that two of them configure, and for surfaces that are no object.
 */
export function withFeatureSurfaces(raw: unknown, features: readonly unknown[]): unknown {
  // What is no object is refused by the reading, in its own words.
  if (features.length === 0 || !isRecord(raw)) return raw;
  // Our own keys may be written in any case.
  const key = Object.keys(raw).find((name) => name.toLowerCase() === KEY) ?? KEY;
  const own = raw[key] ?? {};
  if (!isRecord(own)) return raw;
  const surfaces = new Map(Object.entries(own));
  const issues: ConfigurationIssue[] = [];
  for (const feature of features) {
    if (!isRecord(feature)) {
      issues.push({ path: 'forFeature', message: '`surfaces` must be an object of surfaces by name' });
      continue;
    }
    for (const [name, surface] of Object.entries(feature)) {
      if (surfaces.has(name)) {
        issues.push({
          path: `${KEY}.${name}`,
          message: `is configured twice, in ${Object.hasOwn(own, name) ? '`forRoot` and in a `forFeature`' : 'two `forFeature`s'}: keep one`,
        });
      }
      surfaces.set(name, surface);
    }
  }
  if (issues.length > 0) throw new ConfigurationError(issues);
  return { ...raw, [key]: Object.fromEntries(surfaces) };
}
