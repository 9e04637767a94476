import { describe, expect, it } from 'vitest';
import { ConfigurationError } from '../errors/configuration-error.js';
import { readConfiguration } from './read-configuration.js';

const DEFAULTS = { enabled: true, errorRate: 0.02, minRequests: 300, windowMs: 300_000 };

describe('alerts', () => {
  it.each([
    [undefined, {}],
    [{}, {}],
    [{ errorRate: 0.1 }, { errorRate: 0.1 }],
    [
      { error_rate: 0.05, min_requests: 20, window_ms: 60_000 },
      { errorRate: 0.05, minRequests: 20, windowMs: 60_000 },
    ],
    [{ enabled: false }, { enabled: false }],
    [{ errorRate: 0 }, { errorRate: 0 }],
  ])('%j is read over the defaults', (alerts, expected) => {
    expect(readConfiguration({ alerts }, {}).alerts).toEqual({ ...DEFAULTS, ...expected });
  });

  it.each([
    [{ errorRate: 2 }, 'alerts.errorRate', '2 % is 0.02'],
    [{ errorRate: 1 }, 'alerts.errorRate', 'under 1'],
    [{ errorRate: -0.1 }, 'alerts.errorRate', 'from 0'],
    [{ errorRate: Number.NaN }, 'alerts.errorRate', 'from 0'],
    [{ minRequests: 0 }, 'alerts.minRequests', 'at least 1'],
    [{ windowMs: 999 }, 'alerts.windowMs', 'from 1000'],
    [{ windowMs: '5m' }, 'alerts.windowMs', 'whole number'],
    [{ enabled: 'yes' }, 'alerts.enabled', 'true or false'],
    [{ webhook: 'https://example.com' }, 'alerts.webhook', 'not supported in this version'],
    [{ errorRat: 0.1 }, 'alerts.errorRat', 'Did you mean "errorRate"'],
    [false, 'alerts', 'must be an object'],
  ])('%j is refused', (alerts, path, message) => {
    expect(() => readConfiguration({ alerts }, {})).toThrow(ConfigurationError);
    try {
      readConfiguration({ alerts }, {});
    } catch (error) {
      const { issues } = error as ConfigurationError;
      expect(issues).toEqual([{ path, message: expect.stringContaining(message) as string }]);
    }
  });
});
