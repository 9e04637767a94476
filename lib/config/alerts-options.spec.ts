import { describe, expect, it } from 'vitest';
import { ConfigurationError } from '../errors/configuration-error.js';
import { readConfiguration } from './read-configuration.js';

const DEFAULTS = {
  enabled: true,
  errorRate: 0.02,
  timeoutRate: 0.02,
  latencyPercentile: 0.95,
  minRequests: 300,
  windowMs: 300_000,
  confidence: 0.99,
  quality: { minScore: 0.5, minAnswers: 50 },
};
const WEBHOOK = {
  url: 'https://hooks.example.com/T0/B1?key=sesame',
  format: 'json',
  minSeverity: 'warning',
  timeoutMs: 5_000,
  maxTries: 5,
  baseDelayMs: 1_000,
};

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
    [{ slow_window_ms: 7_200_000 }, { slowWindowMs: 7_200_000 }],
    [{ ignore: ['unknown_price'] }, { ignore: ['unknown_price'] }],
    [{ quality: { min_score: 0.7 } }, { quality: { minScore: 0.7, minAnswers: 50 } }],
    [{ webhook: WEBHOOK.url }, { webhook: WEBHOOK }],
    [{ webhook: '${HOOK}' }, { webhook: WEBHOOK }],
    [
      { webhook: { url: '${HOOK}', secret: '${SECRET}', format: 'slack', min_severity: 'critical' } },
      { webhook: { ...WEBHOOK, secret: 'open', format: 'slack', minSeverity: 'critical' } },
    ],
  ])('%j is read over the defaults', (alerts, expected) => {
    const environment = { HOOK: WEBHOOK.url, SECRET: 'open' };
    expect(structuredClone(readConfiguration({ alerts }, environment).alerts)).toEqual({
      ...DEFAULTS,
      ...expected,
    });
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
    [{ webhook: 'hooks.example.com/sesame' }, 'alerts.webhook.url', 'absolute http or https URL'],
    [{ webhook: 'ftp://hooks.example.com/sesame' }, 'alerts.webhook.url', 'absolute http or https URL'],
    [{ webhook: { url: 'https://me:sesame@example.com' } }, 'alerts.webhook.url', 'without user, password'],
    [{ webhook: 5 }, 'alerts.webhook', 'must be an object'],
    [{ webhook: {} }, 'alerts.webhook.url', 'absolute http or https URL'],
    [{ webhook: { url: WEBHOOK.url, secret: '' } }, 'alerts.webhook.secret', 'non-empty string'],
    [{ webhook: { url: WEBHOOK.url, format: 'slak' } }, 'alerts.webhook.format', 'Did you mean "slack"'],
    [{ webhook: { url: WEBHOOK.url, timeoutMs: 0 } }, 'alerts.webhook.timeoutMs', 'from 1'],
    [{ webhook: { url: WEBHOOK.url, maxTries: 11 } }, 'alerts.webhook.maxTries', 'from 1 to 10'],
    [{ webhook: '${NO_HOOK}' }, 'alerts.webhook.url', 'NO_HOOK is not set'],
    [{ confidence: 95 }, 'alerts.confidence', '95 % is 0.95'],
    [{ latencyPercentile: 99 }, 'alerts.latencyPercentile', '95 % is 0.95'],
    [{ timeoutRate: 2 }, 'alerts.timeoutRate', '2 % is 0.02'],
    [{ quality: { minScore: 2 } }, 'alerts.quality.minScore', 'from 0 to 1'],
    [{ ignore: ['error_rat'] }, 'alerts.ignore', 'Did you mean "error_rate"'],
    [{ errorRat: 0.1 }, 'alerts.errorRat', 'Did you mean "errorRate"'],
    [false, 'alerts', 'must be an object'],
  ])('%j is refused', (alerts, path, message) => {
    expect(() => readConfiguration({ alerts }, {})).toThrow(ConfigurationError);
    try {
      readConfiguration({ alerts }, {});
    } catch (error) {
      const { issues } = error as ConfigurationError;
      expect(issues[0]).toEqual({ path, message: expect.stringContaining(message) as string });
      expect(JSON.stringify(issues)).not.toContain('sesame');
    }
  });
});
