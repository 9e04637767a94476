import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { didYouMean, type LlmRouterConfiguration } from '../config/index.js';
import { type ConnectedUpstreams, LlmUpstreams, type WatchedRouter } from '../providers/llm-upstreams.js';
import { describeExpectation, describeRequests } from './describe-requests.js';
import { RequestLog } from './request-log.js';
import type { RoutedExpectation, RoutedRequest } from './routed-requests.interface.js';
import { ScriptPage, takeCue } from './script-page.js';
import { type Prompter, ScriptedClient } from './scripted-client.js';
import { ScriptedConnection } from './scripted-connection.js';
import type {
  LlmScript,
  ReplyScript,
  ScriptedCall,
  ScriptedFault,
  ScriptedReply,
} from './scripting.interface.js';
import { testEnvironment } from './test-environment.js';

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
export class LlmRouterTesting extends LlmUpstreams implements LlmScript, OnModuleDestroy {
  readonly #environment = testEnvironment();
  readonly #log = new RequestLog();
  readonly #all = new ScriptPage();
  readonly #models = new Map<string, ScriptPage>();
  readonly #providers = new Map<string, ScriptPage>();
  readonly #routers: WatchedRouter[] = [];
  readonly #providerNames = new Set<string>();
  readonly #connections = new Set<ScriptedConnection>();
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
   * @throws Error when the router knows no such model; before the boot, the boot throws it.
   */
  model(name: string): LlmScript {
    for (const router of this.#routers) checkModel(name, router);
    return pageOf(this.#models, name);
  }

  /**
   * The script of one provider.
   *
   * @param name - The provider's name as the configuration has it.
   * @throws Error when none of that name is configured; before the boot, the boot throws it.
   */
  provider(name: string): LlmScript {
    if (this.#routers.length > 0) this.checkProvider(name);
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
   * models have fared, or a rate limit of one test would steer the next. Counters (KPIs, metrics) go on.
   */
  reset(): void {
    for (const page of this.pages()) page.clear();
    this.#log.clear();
    this.#scriptErrors = [];
    for (const { signals } of this.#routers) signals.forget();
  }

  /** @internal */
  override connect({ providers }: LlmRouterConfiguration): ConnectedUpstreams {
    const connection = new ScriptedConnection();
    this.#connections.add(connection);
    const prompter: Prompter = {
      cue: (asked) => {
        const request = this.#log.beginCall(asked);
        return { request, cue: takeCue(this.pagesFor(request.model, request.provider)) };
      },
      scriptThrew: (error) => {
        this.#scriptErrors.push(error);
      },
    };
    const names = Object.keys(providers ?? {});
    for (const name of names) this.#providerNames.add(name);
    return {
      clients: new Map(names.map((name) => [name, new ScriptedClient(name, prompter, connection)])),
      close: () => {
        connection.close();
        this.#connections.delete(connection);
        return Promise.resolve();
      },
    };
  }

  /** @internal */
  override watch(router: WatchedRouter): void {
    for (const name of this.#models.keys()) checkModel(name, router);
    for (const name of this.#providers.keys()) this.checkProvider(name);
    this.#routers.push(router);
    this.#log.watch(router.bus);
  }

  /** What still waits ends here: the router would give it the grace period of a shutdown. @internal */
  onModuleDestroy(): void {
    for (const connection of this.#connections) connection.close();
  }

  private pages(): ScriptPage[] {
    return [this.#all, ...this.#models.values(), ...this.#providers.values()];
  }

  /** The narrowest first. */
  private pagesFor(model: string, provider: string): ScriptPage[] {
    const ofModel = [...this.#models]
      .filter(([name]) => this.canonical(name) === model)
      .map(([, page]) => page);
    return [...ofModel, this.#providers.get(provider) ?? [], this.#all].flat();
  }

  private canonical(name: string): string {
    for (const { policy } of this.#routers) {
      const canonical = policy.modelNames.get(name);
      if (canonical !== undefined) return canonical;
    }
    return name;
  }

  private isAsExpected(request: RoutedRequest, expectation: RoutedExpectation): boolean {
    const { model } = expectation;
    if (model !== undefined && request.model !== this.canonical(model)) return false;
    return COMPARED.every((key) => expectation[key] === undefined || expectation[key] === request[key]);
  }

  private checkProvider(name: string): void {
    if (this.#providerNames.has(name)) return;
    throw new Error(`There is no provider "${name}".${didYouMean(name, this.#providerNames)}`);
  }

  /** An expectation of what is not configured can never be met. */
  private findStrangeNames({ surface, model, provider }: RoutedExpectation): string[] {
    const surfaces = this.#routers.flatMap(({ policy }) => [...policy.surfaces.keys()]);
    const models = this.#routers.flatMap(({ policy }) => [...policy.modelNames.keys()]);
    const known: [string, string | undefined, readonly string[]][] = [
      ['surface', surface === 'none' ? undefined : surface, surfaces],
      ['model', model, models],
      ['provider', provider, [...this.#providerNames]],
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
    if (this.#routers.length === 0) {
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

function checkModel(name: string, { policy }: WatchedRouter): void {
  if (policy.modelNames.has(name)) return;
  throw new Error(`There is no model "${name}".${didYouMean(name, policy.modelNames.keys())}`);
}
