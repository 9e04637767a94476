/**
 * Which routes `LlmRouterHttpModule` mounts.
 *
 * @publicApi
 */
export interface LlmRouterHttpOptions {
  /** `POST /v1/chat/completions`, `/v1/responses`, `/router/feedback`, `GET /v1/models`. @defaultValue true */
  readonly openAiApi?: boolean;
  /**
   * `POST /router/explain`, `GET /router/kpis`, `/router/savings`, `/router/alerts`, `/router/decisions`,
   * `/router/quality`, `/router/budgets`, `/router/background`.
   *
   * @defaultValue true
   */
  readonly admin?: boolean;
  /** `GET /metrics`. @defaultValue true */
  readonly metrics?: boolean;
  /** `GET /health`, `/health/live`, `/health/ready`. @defaultValue true */
  readonly health?: boolean;
  /**
   * `GET /router/ui`, a page of what the router does, which needs `admin` for its figures. Where `http.apiKeys` are
   * configured a browser asks for one with `admin: true`: any user name, the key as the password.
   *
   * @defaultValue false
   */
  readonly ui?: boolean;
  /** Put before all of them. The host's global prefix comes before it. @defaultValue '' */
  readonly path?: string;
  /**
   * Class decorators of the host's for the controllers behind these routes: what its guards look for (`@Public()`), or
   * guards of its own (`UseGuards(OperatorGuard)`). Register the module more than once where groups of routes differ.
   *
   * @defaultValue none
   * @example
   * ```ts
   * LlmRouterHttpModule.register({ admin: false, metrics: false, decorators: [Public()] }); // http.apiKeys guard these
   * LlmRouterHttpModule.register({ openAiApi: false, health: false, decorators: [UseGuards(OperatorGuard)] });
   * ```
   */
  readonly decorators?: readonly ClassDecorator[];
}
