import type { WatchedRouter } from '../providers/llm-upstreams.js';
import type { ScriptedConnection } from './scripted-connection.js';

/** A router that has its models of an `LlmRouterTesting`: several may, in turn or at a time. */
export class TestedRouter {
  #isClosed = false;
  #watched: WatchedRouter | undefined;
  #endWatch = (): void => undefined;

  constructor(
    readonly providers: ReadonlySet<string>,
    readonly connection: ScriptedConnection,
  ) {}

  /** Told as soon as the router is there, which is before its first call. */
  watch(router: WatchedRouter, endWatch: () => void): void {
    this.#watched = router;
    this.#endWatch = endWatch;
  }

  /** Its application has closed. */
  close(): void {
    this.#isClosed = true;
    this.connection.close();
    this.#endWatch();
  }

  /** Its names stand as long as its requests are in the log. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Whether both are one router's, of two configurations. */
  isOfOneRouter(other: TestedRouter): boolean {
    return this.#watched !== undefined && this.#watched.bus === other.#watched?.bus;
  }

  get models(): Iterable<string> {
    return this.#watched?.policy.modelNames.keys() ?? [];
  }

  get surfaces(): Iterable<string> {
    return this.#watched?.policy.surfaces.keys() ?? [];
  }

  /** The name in the configuration of a model or an alias; undefined: there is none such. */
  canonical(model: string): string | undefined {
    return this.#watched?.policy.modelNames.get(model);
  }

  /** Ends what waits, and forgets how the models have fared. */
  forget(): void {
    this.connection.forget();
    this.#watched?.signals.forget();
  }
}
