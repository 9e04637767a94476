import type { AlertWebhookOptions } from '../../config/index.js';
import { ProviderError } from '../../errors/provider-error.js';
import type { Transport } from '../../providers/transport.js';
import type { Alert, AlertChange, TelemetryBus } from '../../telemetry/index.js';
import {
  ALERT_DELIVERY_HEADER,
  ALERT_SIGNATURE_HEADER,
  ALERT_TIMESTAMP_HEADER,
  signAlert,
} from './alert-signature.js';
import { jsonMessage, slackMessage } from './webhook-message.js';

/** Messages that wait; of more the oldest are given up. */
const MAX_QUEUED = 100;
const MAX_DELAY_MS = 30_000;
/** A receiver that asks for a pause gets it, up to here. */
const MAX_RETRY_AFTER_MS = 60_000;
/** A shutdown waits so long for what is left. */
const CLOSE_TIMEOUT_MS = 2_000;

/** A message that is to be sent, as it will be. */
interface Message {
  /** The same for each try, so that a receiver can tell two. */
  readonly id: string;
  readonly body: string;
}

export interface AlertWebhookParts {
  readonly bus: TelemetryBus;
  /** Made with the first message. */
  readonly createTransport: () => Transport;
  /** For people. The address and the secret are in none. */
  readonly onProblem: (problem: string) => void;
  readonly now?: () => number;
  /** Uniform in [0, 1). */
  readonly random?: () => number;
}

/**
 * Posts alerts to the configured address, one after the other, in the order they came about. Each is tried a few times with
 * growing pauses. Nothing waits for it: a receiver that is down or slow costs messages, and is told of in the log.
 */
export class AlertWebhook {
  readonly #bus: TelemetryBus;
  readonly #createTransport: () => Transport;
  readonly #onProblem: (problem: string) => void;
  readonly #now: () => number;
  readonly #random: () => number;
  #settings: AlertWebhookOptions | undefined;
  #subscriptions: (() => void)[] = [];
  #transport: Transport | undefined;
  readonly #queue: Message[] = [];
  #dropped = 0;
  #sending: Promise<void> | undefined;
  #isClosing = false;
  /** Ends the pause between two tries, where there is one. */
  #hurry: () => void = () => undefined;
  readonly #closed = new AbortController();

  constructor({ bus, createTransport, onProblem, now = Date.now, random = Math.random }: AlertWebhookParts) {
    this.#bus = bus;
    this.#createTransport = createTransport;
    this.#onProblem = onProblem;
    this.#now = now;
    this.#random = random;
  }

  /** Posts there from now on, what waits included; undefined: nowhere, and what waits is dropped. */
  follow(settings: string | AlertWebhookOptions | undefined): void {
    // Read options hold an object, whatever was written.
    this.#settings = typeof settings === 'string' ? undefined : settings;
    if (this.#settings === undefined) {
      this.unsubscribe();
      this.#queue.length = 0;
    } else if (this.#subscriptions.length === 0 && !this.#isClosing) this.subscribe();
    this.#hurry();
  }

  /** Sends what is left without pauses, for a short time, and ends. Never throws. */
  async close(timeoutMs = CLOSE_TIMEOUT_MS): Promise<void> {
    this.unsubscribe();
    this.#isClosing = true;
    this.#hurry();
    if (this.#sending !== undefined) {
      const timer = setTimeout(() => {
        this.#closed.abort();
      }, timeoutMs);
      await this.#sending;
      clearTimeout(timer);
    }
    await this.#transport?.close().catch(() => undefined);
  }

  private subscribe(): void {
    const tell = (change: AlertChange) => (alert: Alert) => {
      this.add(alert, change);
    };
    this.#subscriptions = [
      this.#bus.on('alert-raised', tell('raised')),
      this.#bus.on('alert-escalated', tell('escalated')),
      this.#bus.on('alert-cleared', tell('cleared')),
    ];
  }

  private unsubscribe(): void {
    for (const unsubscribe of this.#subscriptions.splice(0)) unsubscribe();
  }

  private add(alert: Alert, change: AlertChange): void {
    const settings = this.#settings;
    if (settings === undefined) return;
    if (settings.minSeverity === 'critical' && alert.severity !== 'critical') return;
    const body = settings.format === 'slack' ? slackMessage(alert, change) : jsonMessage(alert, change);
    this.#queue.push({ id: `${alert.id}.${change}`, body });
    if (this.#queue.length > MAX_QUEUED) {
      this.#queue.shift();
      this.#dropped += 1;
    }
    this.#sending ??= this.work().finally(() => {
      this.#sending = undefined;
    });
  }

  /** Never throws. */
  private async work(): Promise<void> {
    // Whoever raised the alert goes on first.
    await new Promise((resolve) => setImmediate(resolve));
    for (;;) {
      const message = this.#queue.shift();
      if (message === undefined) return;
      const problem = await this.deliver(message);
      if (this.#closed.signal.aborted) {
        const left = this.#queue.splice(0).length + (problem === undefined ? 0 : 1);
        if (left > 0) this.#onProblem(`${left} messages did not arrive before the shutdown`);
        return;
      }
      if (problem !== undefined) this.#onProblem(`a message was given up (${problem})`);
      if (this.#dropped > 0 && this.#queue.length === 0) {
        this.#onProblem(`${this.#dropped} messages were dropped: the receiver did not keep up`);
        this.#dropped = 0;
      }
    }
  }

  /** @returns Why it was given up; undefined: it has arrived, or is not to be sent any more. */
  private async deliver(message: Message): Promise<string | undefined> {
    for (let tries = 1; ; tries += 1) {
      // Asked for each try: a reload may have brought another address.
      const settings = this.#settings;
      if (settings === undefined) return undefined;
      if (this.#closed.signal.aborted) return 'the application has shut down';
      const result = await this.post(message, settings);
      if (result === undefined) return undefined;
      const isLast = tries >= settings.maxTries || (this.#isClosing && tries > 1);
      if (!result.mayRetry || isLast) return `${result.reason}, try ${tries}`;
      const mostMs = Math.min(settings.baseDelayMs * 2 ** (tries - 1), MAX_DELAY_MS);
      await this.pause(Math.max(result.retryAfterMs, mostMs * (0.5 + this.#random() / 2)));
    }
  }

  private async post({ id, body }: Message, settings: AlertWebhookOptions): Promise<Failure | undefined> {
    const { url, secret, timeoutMs } = settings;
    const timestamp = String(Math.floor(this.#now() / 1_000));
    const signed: Record<string, string> =
      secret === undefined ? {} : { [ALERT_SIGNATURE_HEADER]: signAlert(secret, timestamp, body) };
    // One controller and one timer: `AbortSignal.any` keeps hold of what it makes as long as the longest of its signals lives.
    const controller = new AbortController();
    const end = (): void => {
      controller.abort();
    };
    const timer = setTimeout(end, timeoutMs).unref();
    const closed = this.#closed.signal;
    if (closed.aborted) end();
    else closed.addEventListener('abort', end, { once: true });
    try {
      this.#transport ??= this.#createTransport();
      const response = await this.#transport.send({
        url,
        headers: { [ALERT_DELIVERY_HEADER]: id, [ALERT_TIMESTAMP_HEADER]: timestamp, ...signed },
        body,
        connectTimeoutMs: timeoutMs,
        signal: controller.signal,
      });
      // What it answers is of no interest, and may be long.
      response.body.on('error', () => undefined).destroy();
      const { status } = response;
      if (status >= 200 && status < 300) return undefined;
      return {
        reason: `HTTP ${status}`,
        mayRetry: status >= 500 || status === 408 || status === 425 || status === 429,
        retryAfterMs: secondsOf(response.headers['retry-after']) * 1_000,
      };
    } catch (error) {
      // Its own words may hold the address.
      const reason = error instanceof ProviderError ? error.kind : `no answer within ${timeoutMs} ms`;
      return { reason, mayRetry: true, retryAfterMs: 0 };
    } finally {
      clearTimeout(timer);
      closed.removeEventListener('abort', end);
    }
  }

  private pause(delayMs: number): Promise<void> {
    if (this.#isClosing) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#hurry = () => undefined;
        resolve();
      };
      const timer = setTimeout(end, delayMs).unref();
      this.#hurry = end;
    });
  }
}

interface Failure {
  readonly reason: string;
  readonly mayRetry: boolean;
  readonly retryAfterMs: number;
}

function secondsOf(retryAfter: string | undefined): number {
  const seconds = Number(retryAfter);
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, MAX_RETRY_AFTER_MS / 1_000) : 0;
}
