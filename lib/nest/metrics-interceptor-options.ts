/** What `forRoot` says of the interceptor, wherever it is used. */
export class MetricsInterceptorOptions {
  constructor(
    /** The `x-llm-*` headers go onto the host's own responses. */
    readonly answerHeaders: boolean,
  ) {}
}
