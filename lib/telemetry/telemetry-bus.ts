import type { TelemetryEvents } from './records.js';

type Listener<Name extends keyof TelemetryEvents> = (event: TelemetryEvents[Name]) => void;

/** One call of a deployment. */
export interface CallKey {
  readonly decisionId: string;
  readonly attempt: number;
  readonly deployment: string;
}

/**
 * Carries records from the way of a request to everything that learns or counts. Delivery is synchronous and in
 * order; a listener that throws harms neither the request nor the other listeners.
 */
export class TelemetryBus {
  readonly #listeners: { [Name in keyof TelemetryEvents]: Set<Listener<Name>> } = {
    'deployment-passed-over': new Set(),
    'request-started': new Set(),
    'attempt-started': new Set(),
    'attempt-first-token': new Set(),
    'attempt-overdue': new Set(),
    'attempt-finish-reason': new Set(),
    'attempt-ended': new Set(),
    'breaker-changed': new Set(),
    'rate-limits-read': new Set(),
    'queue-changed': new Set(),
    'request-ended': new Set(),
    'handler-ended': new Set(),
    'answer-evaluated': new Set(),
    'feedback-given': new Set(),
    'alert-raised': new Set(),
    'alert-escalated': new Set(),
    'alert-cleared': new Set(),
    'budget-nearly-spent': new Set(),
    'budget-spent': new Set(),
    'plug-in-failed': new Set(),
    'key-refused': new Set(),
    'key-restored': new Set(),
  };

  /** Called with the name of the event whose listener threw; the Nest layer logs it. */
  onListenerError: (name: keyof TelemetryEvents, error: unknown) => void = () => undefined;

  /** Every call of a provider is made in it, right after its start was told: tracing puts its span around it. */
  aroundCall: <Result>(key: CallKey, call: () => Result) => Result = (_key, call) => call();

  /** Gives a function that ends the subscription. */
  on<Name extends keyof TelemetryEvents>(name: Name, listener: Listener<Name>): () => void {
    const listeners: Set<Listener<Name>> = this.#listeners[name];
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  }

  emit<Name extends keyof TelemetryEvents>(name: Name, event: TelemetryEvents[Name]): void {
    const listeners: Set<Listener<Name>> = this.#listeners[name];
    for (const listener of listeners) {
      try {
        listener(event);
      } catch (error) {
        this.onListenerError(name, error);
      }
    }
  }
}
