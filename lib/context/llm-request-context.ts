/**
 * `interactive`: somebody waits. `background`: a queue may hold it.
 *
 * @publicApi
 */
export type Workload = 'interactive' | 'background';

/**
 * Who asks: what a handler, a header or a caller has said about the requests made inside it.
 *
 * @publicApi
 */
export interface LlmRequestContext {
  /** The surface's name as configured. */
  readonly surface?: string;
  readonly workload?: Workload;
  readonly tenant?: string;
  /** Wall clock for the whole request, in milliseconds. */
  readonly deadlineMs?: number;
}
