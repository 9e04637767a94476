import { AsyncLocalStorage } from 'node:async_hooks';
import { Injectable } from '@nestjs/common';
import { Observable } from 'rxjs';
import type { BackgroundReport } from '../background/index.js';
import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatRequest,
  EmbeddingRequest,
  EmbeddingResponse,
} from '../chat/index.js';
import type { LlmRouterOptions } from '../config/index.js';
import { type LlmRequestContext, runBoundWithLlmContext } from '../context/index.js';
import type { BudgetReport } from '../cost/index.js';
import type {
  AlertReport,
  Decision,
  DecisionFilter,
  DecisionReport,
  KpiQuery,
  KpiWindowReport,
  SavingsReport,
} from '../observability/index.js';
import type { Explanation } from '../planning/index.js';
import type { FeedbackReceipt, QualityReport } from '../quality/index.js';
import type { RoutedAnswer, RouterCallOptions, RoutingInfo } from '../pipeline/index.js';
import type { ReconfigureReport } from './reconfigure-report.js';
import { clientOptionsOf, type RouterClientOptions } from './router-client-options.js';
import { RouterEngine } from './router-engine.js';

/**
 * An answer with where it came from. `routing` is not enumerable: serialised, the answer is OpenAI's shape and
 * nothing else.
 *
 * @publicApi
 */
export type RoutedChatCompletion = ChatCompletion & { readonly routing: RoutingInfo };

/**
 * Vectors with where they came from; `routing` is not enumerable.
 *
 * @publicApi
 */
export type RoutedEmbeddingResponse = EmbeddingResponse & { readonly routing: RoutingInfo };

/**
 * A stream of chunks. Nothing is called before the first read; leaving the loop ends the upstream call.
 *
 * @publicApi
 */
export interface RoutedChatStream extends AsyncIterable<ChatCompletionChunk> {
  /** Where the answer comes from; undefined until the first chunk is there. Has the cost once the stream has ended. */
  readonly routing: RoutingInfo | undefined;
  [Symbol.asyncIterator](): AsyncGenerator<ChatCompletionChunk, void, undefined>;
}

/**
 * Sends chat requests to the model that serves them best now.
 *
 * The surface comes from the call's options, else from the `@Surface` of the handler that is running, else there is
 * none. Every method throws a {@link LlmRouterError}.
 *
 * @example
 * ```ts
 * constructor(private readonly router: RouterService) {}
 *
 * async answer(question: string) {
 *   const completion = await this.router.chat({ messages: [{ role: 'user', content: question }] });
 *   return completion.choices[0]?.message.content;
 * }
 * ```
 * @publicApi
 */
@Injectable()
export class RouterService {
  /** @internal */
  constructor(private readonly engine: RouterEngine) {}

  /**
   * Answers a request as a whole. `stream` in the request is ignored.
   *
   * @throws {@link LlmRouterError} when the request is refused or no model answered.
   */
  async chat(request: ChatRequest, options: RouterCallOptions = {}): Promise<RoutedChatCompletion> {
    return withRouting(await this.engine.pipeline.chat(request, options));
  }

  /**
   * Answers a request that nobody waits for, as a whole, some time before its deadline: outside `peakHours`, or when there
   * is capacity to spare, or when the deadline comes near; on the cheapest model that may serve it. Of the calls that its
   * models take at once, `background.backgroundShare` is for enqueued work however busy they are (the peak excepted), and
   * `background.interactiveShare` never is.
   *
   * **The queue is in memory: a restart loses what waits in it.** A shutdown ends it with an
   * {@link EnqueuedRequestLostError}; a crash says nothing. Keep work that must not be lost in a store of your own, and
   * enqueue from there.
   *
   * What is overloaded or rate-limited is tried again in time; where a daily budget is spent, it waits for the next day if
   * the deadline allows.
   *
   * @param options - `deadlineMs`: until the answer, waiting included (`background.deadlineMs` by default, 24 h). The
   * `signal` takes it out of the queue, or ends its call.
   * @throws {@link LlmRouterError} when the request is refused, no model answered, or the queue is full
   * ({@link OverloadedError}, at once, with the time until there may be room).
   *
   * @example
   * ```ts
   * const summary = await this.router.enqueue({ messages }, { surface: 'reports', deadlineMs: 8 * 3_600_000 });
   * ```
   */
  async enqueue(request: ChatRequest, options: RouterCallOptions = {}): Promise<RoutedChatCompletion> {
    return withRouting(await this.engine.lane.enqueue(request, options));
  }

  /** How the queue of {@link enqueue} stands. */
  background(): BackgroundReport {
    return this.engine.lane.report();
  }

  /**
   * Streams an answer. Until the first token any failure moves on to the next model unseen; after it, the loop throws
   * a {@link StreamInterruptedError}. May be iterated once.
   *
   * @example
   * ```ts
   * for await (const chunk of this.router.stream({ messages })) write(chunk.choices[0]?.delta.content ?? '');
   * ```
   */
  stream(request: ChatRequest, options: RouterCallOptions = {}): RoutedChatStream {
    const { pipeline } = this.engine;
    // As the caller stands, not whoever reads first: a response is often written outside the handler.
    const asTheCaller = AsyncLocalStorage.snapshot();
    const left = new AbortController();
    const { signal } = options;
    const onAbort = (): void => {
      left.abort();
    };
    const forget = (): void => {
      signal?.removeEventListener('abort', onAbort);
    };
    let hasLeft = false;
    let routing: RoutingInfo | undefined;
    async function* read(): AsyncGenerator<ChatCompletionChunk, void, undefined> {
      if (signal?.aborted) onAbort();
      else signal?.addEventListener('abort', onAbort, { once: true });
      try {
        const routed = await asTheCaller(() => pipeline.stream(request, { ...options, signal: left.signal }));
        ({ routing } = routed);
        // Of a stream that nobody reads to its end, the caller's signal must not keep hold for ever.
        routed.ended.addEventListener('abort', forget, { once: true });
        try {
          yield* routed.chunks;
        } finally {
          // However it ended, what it cost is known now.
          routing = { ...routed.routing, costUsd: routed.costUsd() };
        }
      } catch (error) {
        // Of a reader that has left in the middle of a read: nobody is there to be told.
        if (!hasLeft) throw error;
      } finally {
        forget();
      }
    }
    const generator = read();
    // A generator's own `return` waits for the read that is under way, and that for the provider: whoever leaves in
    // the middle of a read (a destroyed `Readable.from(stream)`) must end the upstream call first.
    const leave = generator.return.bind(generator);
    generator.return = (value) => {
      hasLeft = true;
      left.abort();
      return leave(value);
    };
    return {
      get routing() {
        return routing;
      },
      [Symbol.asyncIterator]: () => generator,
    };
  }

  /** The same as an Observable: one upstream call a subscription, ended when it is unsubscribed. */
  stream$(request: ChatRequest, options: RouterCallOptions = {}): Observable<ChatCompletionChunk> {
    const asTheCaller = AsyncLocalStorage.snapshot();
    return new Observable<ChatCompletionChunk>((subscriber) => {
      const controller = new AbortController();
      const { signal } = options;
      const onAbort = (): void => {
        controller.abort();
      };
      if (signal?.aborted) onAbort();
      else signal?.addEventListener('abort', onAbort, { once: true });
      const run = async (): Promise<void> => {
        const chunks = asTheCaller(() => this.stream(request, { ...options, signal: controller.signal }));
        for await (const chunk of chunks) {
          if (subscriber.closed) return;
          subscriber.next(chunk);
        }
      };
      run().then(
        () => {
          subscriber.complete();
        },
        (error: unknown) => {
          subscriber.error(error);
        },
      );
      return () => {
        signal?.removeEventListener('abort', onAbort);
        controller.abort();
      };
    });
  }

  /**
   * Makes vectors of texts. `model` must name a model that makes embeddings; only another deployment of the same model
   * takes over where one fails.
   *
   * @throws {@link LlmRouterError} when the request is refused or no deployment of the model answered.
   *
   * @example
   * ```ts
   * const { data } = await this.router.embed({ model: 'text-embedding-3-small', input: ['red', 'blue'] });
   * ```
   */
  async embed(request: EmbeddingRequest, options: RouterCallOptions = {}): Promise<RoutedEmbeddingResponse> {
    const { response, routing } = await this.engine.pipeline.embed(request, options);
    return Object.defineProperty(response, 'routing', {
      value: routing,
      enumerable: false,
    }) as RoutedEmbeddingResponse;
  }

  /**
   * What would be done with a request, and why: class, score, every planned attempt with its terms, every rejected
   * candidate with its reason. Calls nothing.
   */
  explain(request: ChatRequest, options: RouterCallOptions = {}): Explanation {
    return this.engine.pipeline.explain(request, options);
  }

  /**
   * Traffic, latencies, errors, tokens, cost and quality of the last minute, five minutes, hour or day, or since the
   * start: in all, and by at most two of surface, provider, model, deployment, tier, class, tenant and workload. With
   * `step` also as points over time, by at most one of them: for a chart.
   *
   * @throws {@link InvalidRequestError} that says what may be asked.
   *
   * @example
   * ```ts
   * const { total, rows } = this.router.kpis({ window: '1h', by: ['surface', 'model'] });
   * const { series } = this.router.kpis({ window: '1h', by: ['model'], step: '1m' });
   * ```
   */
  kpis(query: KpiQuery = {}): KpiWindowReport {
    return this.engine.kpis.query(query);
  }

  /**
   * What was spent since the start, and what the model named by `baseline` would have cost for the same tokens, in
   * all, by surface and by model. Without `baseline`: what was spent alone.
   *
   * @example
   * ```ts
   * const { spentUsd, baselineUsd, savedUsd } = this.router.savings();
   * ```
   */
  savings(): SavingsReport {
    return this.engine.savings.report();
  }

  /**
   * What is spent, kept for requests under way, and left of every budget, of surfaces, tenants and keys. Counted in this
   * process alone, since its start: a restart forgets what was spent before it.
   *
   * @example
   * ```ts
   * const { budgets } = this.router.budgets();
   * const spent = budgets.filter(({ spentUsd, limitUsd }) => spentUsd >= limitUsd);
   * ```
   */
  budgets(): BudgetReport {
    return this.engine.budgets.report(this.engine.runtime.policy.budgets);
  }

  /** The alerts that stand, and the last ones that were cleared. */
  alerts(): AlertReport {
    return this.engine.alerts.report();
  }

  /**
   * A request from what was known of it to what became of it: its plan with reasons, its calls, its cost. Undefined: none
   * of that id is kept (`observability.decisions.keep`). The id is the answer's `routing.decisionId`, or an error's.
   *
   * @example
   * ```ts
   * const { explanation, attempts } = this.router.decision(completion.routing.decisionId) ?? {};
   * ```
   */
  decision(id: string): Decision | undefined {
    return this.engine.decisions.find(id);
  }

  /**
   * The last decisions of this process: first what runs, then what has ended, the latest first.
   *
   * @example
   * ```ts
   * const { decisions } = this.router.decisions({ surface: 'support', outcome: 'failed', limit: 20 });
   * ```
   */
  decisions(filter: DecisionFilter = {}): DecisionReport {
    return this.engine.decisions.list(filter);
  }

  /**
   * Says what an answer was worth to whoever got it. Feeds the quality of its model for its class and surface. A second
   * word on the same answer takes the place of the first.
   *
   * The last 10,000 answers of this process can be scored: not those of another instance, nor those before a restart.
   *
   * @param decisionId - `routing.decisionId` of the answer, or the header `x-llm-decision-id`.
   * @param score - From 0, of no use, to 1, as good as can be.
   * @throws {@link InvalidRequestError} for another score, {@link DecisionNotFoundError} where no such answer is known.
   *
   * @example
   * ```ts
   * const { routing } = await this.router.chat(request);
   * this.router.feedback(routing.decisionId, 1);
   * ```
   */
  feedback(decisionId: string, score: number): FeedbackReceipt {
    return this.engine.answered.score(decisionId, score);
  }

  /**
   * How good the answers of the last 24 hours were, by model, class and surface: what was wrong with them as far as that
   * can be found out without asking anyone, and what was said of them by {@link feedback}.
   */
  quality(): QualityReport {
    return this.engine.quality.report();
  }

  /**
   * Puts another configuration in the place of the one in force, whole: what `options` leaves out has its default. It is
   * proven as at the boot, every `@Surface` and the surfaces of `forFeature` included, and then holds for every request
   * that comes; requests and streams under way end under the old one, whose connections are closed after the last of
   * them. `${NAME}` and certificate files are read anew. What is known live of a deployment stays as long as its name
   * (`provider/model`) does. Several calls are served one after the other: the last one stays.
   *
   * Everything in the configuration can be changed so; what `forRoot` takes beside it (`isGlobal` and its like) and the
   * routes of `LlmRouterHttpModule` are fixed at the boot. Where the baseline or its price changes, savings count anew.
   *
   * @throws {@link ConfigurationError} with every problem, and {@link OverloadedError} once the application shuts down:
   * nothing has changed then.
   *
   * @example
   * ```ts
   * const { hash, previousHash, warnings } = await this.router.reconfigure(await this.loadOptions());
   * ```
   */
  async reconfigure(options: LlmRouterOptions): Promise<ReconfigureReport> {
    return this.engine.reconfigure(() => options);
  }

  /**
   * The options with which a client of OpenAI's API runs over the router, in process: the `openai` package of any
   * version, LangChain's `configuration`, and through such a client the OpenAI Agents SDK. Chat completions (streamed
   * or not) and models are served, with the headers and errors of the HTTP endpoint. Each call is made for the surface
   * of the handler it was made in.
   *
   * @param context - Who asks, for all calls of the client: wins over the handler's `@Surface`. For a client that
   * queues its calls, which may run them in the context of another handler.
   *
   * @example
   * ```ts
   * const client = new OpenAI(this.router.clientOptions());
   * const model = new ChatOpenAI({ model: 'auto', configuration: this.router.clientOptions({ surface: 'support' }) });
   * ```
   */
  clientOptions(context: LlmRequestContext = {}): RouterClientOptions {
    return clientOptionsOf(this.engine, context);
  }

  /**
   * Runs `callback` with a surface (and workload, tenant, deadline) for all router calls made inside it: for cron
   * jobs, queue processors and scripts, where no handler carries `@Surface`. A stream or an Observable that it gives
   * back keeps them when it is read later.
   *
   * @example
   * ```ts
   * await this.router.runWith({ surface: 'reports', workload: 'background' }, () => this.writeReport());
   * ```
   */
  runWith<Result>(context: LlmRequestContext, callback: () => Result): Result {
    return runBoundWithLlmContext(context, callback);
  }
}

function withRouting({ completion, routing }: RoutedAnswer): RoutedChatCompletion {
  return Object.defineProperty(completion, 'routing', {
    value: routing,
    enumerable: false,
  }) as RoutedChatCompletion;
}
