import { Injectable } from '@nestjs/common';
import { didYouMean, type LlmRouterConfiguration } from '../config/index.js';
import { type ConnectedUpstreams, LlmUpstreams, type WatchedRouter } from '../providers/llm-upstreams.js';
import { describeExpectation, describeRequests } from './describe-requests.js';
import { RequestLog } from './request-log.js';
import type { RoutedExpectation, RoutedRequest } from './routed-requests.interface.js';
import { NO_CUE, ScriptPage, takeCue } from './script-page.js';
import { type Prompter, ScriptedClient } from './scripted-client.js';
import { ScriptedConnection } from './scripted-connection.js';
import type {
  LlmScript,
  ReplyScript,
  ScriptedCall,
  ScriptedFault,
  ScriptedReply,
  ScriptedRequest,
} from './scripting.interface.js';
import { testEnvironment } from './test-environment.js';
import { TestedRouter } from './tested-router.js';

/** What an expectation names is compared as it stands; `model` may be an alias, `times` counts. */
const COMPARED = [
  'surface',
  'provider',
  'tier',
  'requestClass',
  'outcome',
  'errorCode',
  'streamed',
  'attempts',
] as const satisfies readonly (keyof RoutedExpectation & keyof RoutedRequest)[];

/**
 * Stands in for the providers in an application's tests: everything else (validation, classes, floors, fallback,
 * records) stays the real thing. No port, no key, no network, no timer.
 *
 * Put it in place of {@link LlmUpstreams} in your own `AppModule`, or take it out of {@link LlmRouterTestingModule}.
 * Without a script every model answers with a short text that says it is simulated and by which model, or with the
 * least that the demanded tool or JSON schema allows.
 *
 * @example
 * ```ts
 * const llm = new LlmRouterTesting();
 * const module = await Test.createTestingModule({ imports: [AppModule] })
 *   .overrideProvider(LlmUpstreams)
 *   .useValue(llm)
 *   .compile();
 *
 * llm.reply('Paris.');
 * llm.model('gpt-4o-mini').failNext('rate_limited');
 * await module.get(ChatController).answer({ question: 'What is the capital of France?' });
 * llm.expectRouted({ surface: 'support', tier: 'secondary' });
 * ```
 * @publicApi
 */
@Injectable()
export class LlmRouterTesting extends LlmUpstreams implements LlmScript {
  readonly #environment = testEnvironment();
  readonly #log = new RequestLog();
  readonly #all = new ScriptPage();
  readonly #models = new Map<string, ScriptPage>();
  readonly #providers = new Map<string, ScriptPage>();
  /** Those that are open, and those that have closed since the last {@link reset}. */
  readonly #routers = new Set<TestedRouter>();
  /** Between its `connect` and its `watch`. */
  #connecting: TestedRouter | undefined;
  #scriptErrors: unknown[] = [];

  /** Every variable is set: a test needs no key. @internal */
  override get environment(): NodeJS.ProcessEnv {
    return this.#environment;
  }

  /** Every call of a model since the last {@link reset}, in the order they were made, open ones included. */
  get calls(): readonly ScriptedCall[] {
    return this.#log.calls;
  }

  /** Every request that has ended since the last {@link reset}, in the order they ended. */
  get requests(): readonly RoutedRequest[] {
    return this.#log.requests;
  }

  reply(reply: string | ScriptedReply | ReplyScript): void {
    this.#all.reply(reply);
  }

  replyNext(reply: string | ScriptedReply | ReplyScript): void {
    this.#all.replyNext(reply);
  }

  failNext(fault: ScriptedFault, times = 1): void {
    this.#all.failNext(fault, times);
  }

  failAlways(fault: ScriptedFault): void {
    this.#all.failAlways(fault);
  }

  /** Ends all faults, those of single models and providers included; replies stay. */
  heal(): void {
    for (const page of this.pages()) page.heal();
  }

  /**
   * The script of one model, wherever it is deployed.
   *
   * @param name - The model's name as the configuration has it, or an alias.
   * @throws Error when no router that is open knows such a model; before the boot, the boot throws it.
   */
  model(name: string): LlmScript {
    const open = this.openRouters();
    if (open.length > 0) checkModel(name, open);
    return pageOf(this.#models, name);
  }

  /**
   * The script of one provider.
   *
   * @param name - The provider's name as the configuration has it.
   * @throws Error when none of that name is configured; before the boot, the boot throws it.
   */
  provider(name: string): LlmScript {
    const open = this.openRouters();
    if (open.length > 0) checkProvider(name, open);
    return pageOf(this.#providers, name);
  }

  /**
   * The requests that were routed as expected.
   *
   * Only requests that have ended count: a stream must have been read to its end, or left.
   *
   * @throws Error that lists what was routed, when there is none such, or not as many as `times` says.
   * @example
   * ```ts
   * llm.expectRouted({ surface: 'support', model: 'gpt-4o-mini', tier: 'primary' });
   * ```
   */
  expectRouted(expectation: RoutedExpectation = {}): readonly RoutedRequest[] {
    const { times } = expectation;
    const matching = this.requests.filter((request) => this.isAsExpected(request, expectation));
    if (times === undefined ? matching.length > 0 : matching.length === times) return matching;
    const wanted = describeExpectation({ ...expectation, times: undefined });
    const complaint =
      times === undefined
        ? `No request was routed as ${wanted}.`
        : `Expected ${times} routed as ${wanted}, found ${matching.length}.`;
    throw this.failure([complaint, ...this.findStrangeNames(expectation)]);
  }

  /** @throws Error that lists what was routed, where anything was. */
  expectNothingRouted(): void {
    if (this.requests.length === 0 && this.calls.length === 0) return;
    throw this.failure(['Expected no request.']);
  }

  /**
   * Between two tests with one application: forgets every script, call and request, and the router forgets how its
   * models have fared, or a rate limit of one test would steer the next. What still waits ends, as if its caller had left;
   * other requests under way go on with the default reply. Counters (KPIs, metrics) go on.
   */
  reset(): void {
    for (const page of this.pages()) page.clear();
    this.#log.clear();
    this.#scriptErrors = [];
    for (const router of this.#routers) {
      if (router.isClosed) this.#routers.delete(router);
      else router.forget();
    }
  }

  /** @internal */
  override connect({ providers }: LlmRouterConfiguration): ConnectedUpstreams {
    const connection = new ScriptedConnection();
    const names = Object.keys(providers ?? {});
    const router = new TestedRouter(new Set(names), connection);
    this.#connecting = router;
    const prompter: Prompter = {
      cue: (asked) => {
        const { request, isForgotten } = this.#log.beginCall(asked);
        return { request, cue: isForgotten ? NO_CUE : takeCue(this.pagesFor(request, router)) };
      },
      scriptThrew: (error) => {
        this.#scriptErrors.push(error);
      },
    };
    return {
      clients: new Map(names.map((name) => [name, new ScriptedClient(name, prompter, connection)])),
      close: () => {
        router.close();
        return Promise.resolve();
      },
    };
  }

  /** @internal */
  override watch(watched: WatchedRouter): void {
    const router = this.#connecting;
    if (router === undefined) return;
    this.#connecting = undefined;
    const endWatch = this.#log.watch(watched.bus);
    const onStopping = (): void => {
      router.connection.close();
    };
    router.watch(watched, () => {
      watched.stopping.removeEventListener('abort', onStopping);
      endWatch();
    });
    // Another router may know what this one does not: the scripts of both are here.
    const known = [router, ...this.#routers];
    for (const [name, page] of this.#models) if (!page.isBlank) checkModel(name, known);
    for (const [name, page] of this.#providers) if (!page.isBlank) checkProvider(name, known);
    // Each reconfiguration comes by here: its predecessors are not kept for ever.
    for (const other of this.#routers) {
      if (other.isClosed && other.isOfOneRouter(router)) this.#routers.delete(other);
    }
    this.#routers.add(router);
    // What still waits ends with the first word of a shutdown: the router would give it its grace period.
    watched.stopping.addEventListener('abort', onStopping, { once: true });
  }

  private pages(): ScriptPage[] {
    return [this.#all, ...this.#models.values(), ...this.#providers.values()];
  }

  private openRouters(): TestedRouter[] {
    return [...this.#routers].filter(({ isClosed }) => !isClosed);
  }

  /** The narrowest first. */
  private pagesFor({ model, provider }: ScriptedRequest, router: TestedRouter): ScriptPage[] {
    const ofModel = [...this.#models]
      .filter(([name]) => (router.canonical(name) ?? name) === model)
      .map(([, page]) => page);
    return [...ofModel, this.#providers.get(provider) ?? [], this.#all].flat();
  }

  private isAsExpected(request: RoutedRequest, expectation: RoutedExpectation): boolean {
    const { model } = expectation;
    const isModel =
      model === undefined ||
      model === request.model ||
      (request.model !== undefined &&
        [...this.#routers].some((router) => router.canonical(model) === request.model));
    return (
      isModel && COMPARED.every((key) => expectation[key] === undefined || expectation[key] === request[key])
    );
  }

  /** An expectation of what is not configured can never be met. */
  private findStrangeNames({ surface, model, provider }: RoutedExpectation): string[] {
    const routers = [...this.#routers];
    const surfaces = routers.flatMap((router) => [...router.surfaces]);
    const models = routers.flatMap((router) => [...router.models]);
    const providers = routers.flatMap((router) => [...router.providers]);
    const known: [string, string | undefined, readonly string[]][] = [
      ['surface', surface === 'none' ? undefined : surface, surfaces],
      ['model', model, models],
      ['provider', provider, providers],
    ];
    return known.flatMap(([kind, name, names]) =>
      name === undefined || names.length === 0 || names.includes(name)
        ? []
        : [`There is no ${kind} "${name}".${didYouMean(name, names)}`],
    );
  }

  private failure(complaints: readonly string[]): Error {
    const { requests } = this;
    const lines = [...complaints];
    if (this.#routers.size === 0) {
      lines.push('No router uses this LlmRouterTesting: is it in the place of LlmUpstreams?');
    } else if (requests.length === 0) {
      lines.push('No request was routed at all.');
    } else {
      lines.push(`Routed (${requests.length}):`, describeRequests(requests));
    }
    const open = this.#log.openRequests;
    if (open > 0) lines.push(`Not ended yet, so not counted: ${open}.`);
    for (const error of this.#scriptErrors) lines.push(`A scripted reply threw: ${String(error)}`);
    return new Error(lines.join('\n'));
  }
}

function pageOf(pages: Map<string, ScriptPage>, name: string): ScriptPage {
  let page = pages.get(name);
  if (page === undefined) {
    page = new ScriptPage();
    pages.set(name, page);
  }
  return page;
}

function checkModel(name: string, routers: readonly TestedRouter[]): void {
  if (routers.some((router) => router.canonical(name) !== undefined)) return;
  const names = routers.flatMap((router) => [...router.models]);
  throw new Error(`There is no model "${name}".${didYouMean(name, names)}`);
}

function checkProvider(name: string, routers: readonly TestedRouter[]): void {
  const names = routers.flatMap((router) => [...router.providers]);
  if (names.includes(name)) return;
  throw new Error(`There is no provider "${name}".${didYouMean(name, names)}`);
}
