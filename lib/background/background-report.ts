/**
 * The background queue now. In memory: a restart loses what waits in it.
 *
 * @publicApi
 */
export interface BackgroundReport {
  /** Requests that wait. */
  readonly queued: number;
  /** Requests out of the queue that run. */
  readonly running: number;
  /** What the waiting ones take in memory, about. */
  readonly queuedBytes: number;
  /** How long the oldest has waited, in milliseconds; null: none waits. */
  readonly oldestAgeMs: number | null;
  /** Until when the most urgent has to be answered: ISO 8601; null: none waits. */
  readonly nextDeadline: string | null;
  /** What the others wait for that are not near their deadline; null: none waits. */
  readonly waitsFor: 'off_peak' | 'capacity' | null;
}
