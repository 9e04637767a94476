/** One ended call or request, as far as it says something of health. */
export interface CallSample {
  readonly isError: boolean;
  /** Of a stream that had begun; undefined for other answers. */
  readonly timeToFirstTokenMs: number | undefined;
  /** Of a whole answer; undefined for streams and failures. */
  readonly latencyMs: number | undefined;
}

/** What the last calls were like. */
export interface RecentCalls {
  readonly calls: number;
  /** Errors and timeouts among `calls`, 0 to 1; 0 where there is none. */
  readonly errorRate: number;
  /** Of whole answers, in milliseconds; undefined: none among them. */
  readonly p95LatencyMs: number | undefined;
  /** Of streams, in milliseconds; undefined: none among them. */
  readonly p95TimeToFirstTokenMs: number | undefined;
}

/** The nearest rank: the smallest value that at least 95 % do not exceed. */
export function p95(values: readonly (number | undefined)[]): number | undefined {
  const sorted = values.filter((value) => value !== undefined).sort((first, second) => first - second);
  return sorted[Math.ceil(sorted.length * 0.95) - 1];
}

export function summariseRecent(samples: readonly CallSample[]): RecentCalls {
  const errors = samples.filter(({ isError }) => isError).length;
  return {
    calls: samples.length,
    errorRate: samples.length === 0 ? 0 : errors / samples.length,
    p95LatencyMs: p95(samples.map(({ latencyMs }) => latencyMs)),
    p95TimeToFirstTokenMs: p95(samples.map(({ timeToFirstTokenMs }) => timeToFirstTokenMs)),
  };
}
