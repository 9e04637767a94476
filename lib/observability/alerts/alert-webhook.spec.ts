import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { AlertWebhookOptions } from '../../config/index.js';
import { ProviderError } from '../../errors/provider-error.js';
import { Transport, type TransportRequest, type TransportResponse } from '../../providers/transport.js';
import { type Alert, TelemetryBus } from '../../telemetry/index.js';
import { AlertWebhook } from './alert-webhook.js';

const ALERT: Alert = {
  id: 'alert_1',
  kind: 'error_rate',
  severity: 'warning',
  subject: { deployment: 'one/alpha' },
  value: 0.1,
  worstValue: 0.1,
  threshold: 0.02,
  requests: 300,
  windowMs: 300_000,
  message: 'one/alpha: 10 % <b>&',
  since: '2026-01-01T00:00:00.000Z',
  criticalSince: null,
  clearedAt: null,
};

/** A connection on which each call is answered when the test says so. */
class HeldTransport extends Transport {
  readonly sent: (TransportRequest & { answer: (status: number) => void; fail: () => void })[] = [];
  closed = false;
  #waiters: { count: number; resolve: () => void }[] = [];

  override send(request: TransportRequest): Promise<TransportResponse> {
    return new Promise((resolve, reject) => {
      request.signal.addEventListener('abort', () => {
        reject(request.signal.reason as Error);
      });
      this.sent.push({
        ...request,
        answer: (status) => {
          resolve({ status, headers: {}, body: Readable.from([]) });
        },
        fail: () => {
          reject(new ProviderError({ kind: 'connection', providerCode: 'ECONNREFUSED' }));
        },
      });
      for (const { count, resolve: tell } of this.#waiters) if (this.sent.length >= count) tell();
    });
  }

  whenSent(count: number): Promise<void> {
    if (this.sent.length >= count) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ count, resolve }));
  }

  override close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
}

function bench(options: Partial<AlertWebhookOptions> = {}) {
  const bus = new TelemetryBus();
  const transport = new HeldTransport();
  const problems: string[] = [];
  const webhook = new AlertWebhook({
    bus,
    createTransport: () => transport,
    onProblem: (problem) => problems.push(problem),
    random: () => 0,
  });
  const settings = Object.assign(new AlertWebhookOptions(), { url: 'https://canary.example', ...options });
  webhook.follow(settings);
  return { bus, transport, problems, webhook, settings };
}

describe('AlertWebhook', () => {
  it('holds a hundred messages while the receiver is slow, drops the oldest of more, and says how many', async () => {
    const { bus, transport, problems, webhook } = bench();
    bus.emit('alert-raised', ALERT);
    await transport.whenSent(1);
    for (let index = 0; index < 130; index += 1) bus.emit('alert-raised', { ...ALERT, id: `alert_${index}` });
    for (let count = 1; count <= 101; count += 1) {
      await transport.whenSent(count);
      transport.sent[count - 1]?.answer(204);
    }
    await webhook.close();
    expect(transport.sent).toHaveLength(101);
    expect(transport.sent[1]?.body).toContain('alert_30');
    expect(transport.sent[100]?.body).toContain('alert_129');
    expect(problems).toEqual(['30 messages were dropped: the receiver did not keep up']);
    expect(transport.closed).toBe(true);
  });

  it('tries what is left once more at a shutdown, without a pause, and gives up after a short time', async () => {
    const { bus, transport, problems, webhook } = bench({ baseDelayMs: 60_000 });
    bus.emit('alert-raised', ALERT);
    bus.emit('alert-escalated', ALERT);
    bus.emit('alert-cleared', ALERT);
    await transport.whenSent(1);
    transport.sent[0]?.fail();
    await new Promise((resolve) => setImmediate(resolve));
    const closed = webhook.close(50);
    await transport.whenSent(2);
    transport.sent[1]?.answer(200);
    await transport.whenSent(3);
    // The receiver hangs.
    await closed;
    expect(problems).toEqual(['2 messages did not arrive before the shutdown']);
    bus.emit('alert-raised', ALERT);
    expect(transport.sent).toHaveLength(3);
  });

  it('posts to the address of now', async () => {
    const { bus, transport, webhook, settings } = bench({ baseDelayMs: 60_000 });
    bus.emit('alert-raised', ALERT);
    await transport.whenSent(1);
    transport.sent[0]?.fail();
    await new Promise((resolve) => setImmediate(resolve));
    webhook.follow(Object.assign(new AlertWebhookOptions(), settings, { url: 'https://other.example' }));
    await transport.whenSent(2);
    expect(transport.sent[1]?.url).toBe('https://other.example');
    webhook.follow(undefined);
    transport.sent[1]?.answer(500);
    bus.emit('alert-raised', ALERT);
    await webhook.close();
    expect(transport.sent).toHaveLength(2);
  });

  it('says in words that a shutdown has cleared it', async () => {
    const { bus, transport, webhook } = bench({ format: 'slack' });
    const clearedAt = '2026-01-01T00:01:00.000Z';
    bus.emit('alert-cleared', { ...ALERT, clearedAt, clearedBy: 'shutdown' });
    bus.emit('alert-cleared', { ...ALERT, clearedAt });
    for (const count of [1, 2]) {
      await transport.whenSent(count);
      transport.sent[count - 1]?.answer(200);
    }
    await webhook.close();
    expect(transport.sent.map(({ body }) => (JSON.parse(body ?? '') as { text: string }).text)).toEqual([
      expect.stringMatching(/^Cleared by the shutdown: error rate – /),
      expect.stringMatching(/^Cleared: error rate – /),
    ]);
  });

  it('leaves out what is not severe enough', async () => {
    const { bus, transport, webhook } = bench({ minSeverity: 'critical', format: 'slack' });
    bus.emit('alert-raised', ALERT);
    bus.emit('alert-escalated', { ...ALERT, severity: 'critical' });
    await transport.whenSent(1);
    transport.sent[0]?.answer(200);
    await webhook.close();
    expect(transport.sent).toHaveLength(1);
    expect(JSON.parse(transport.sent[0]?.body ?? '')).toMatchObject({
      text: 'Alert, now critical: error rate – one/alpha: 10 % &lt;b&gt;&amp;',
    });
  });
});
