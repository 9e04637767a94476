import { IsCount, IsMilliseconds, IsShareOrAll } from '../validators.js';

/**
 * Where enqueued background work waits, in memory: a restart loses what waits there.
 *
 * @publicApi
 */
export class BackgroundOptions {
  /** Requests that may wait. Beyond it `enqueue` is refused at once. @defaultValue 1000 */
  @IsCount(0, 100_000)
  maxSize = 1_000;

  /** Bytes that the waiting requests may take together. @defaultValue 67108864 (64 MB) */
  @IsCount(1_024)
  maxBytes = 67_108_864;

  /** Requests of the queue that run at once. Those near their deadline run beside them. @defaultValue 8 */
  @IsCount(1, 10_000)
  maxConcurrency = 8;

  /**
   * Of the calls that the models of a request take at once, what the queue has even while interactive work would take all
   * of them; at least one call. 0: it waits until there is room, or its deadline is near.
   *
   * @defaultValue 0.1
   */
  @IsShareOrAll()
  backgroundShare = 0.1;

  /** Of those calls, what is kept from the queue for interactive work, waiting or not. @defaultValue 0.5 */
  @IsShareOrAll()
  interactiveShare = 0.5;

  /** Until when an enqueued request must be answered that says nothing of it. @defaultValue 86400000 (24 h) */
  @IsMilliseconds()
  deadlineMs = 86_400_000;
}
