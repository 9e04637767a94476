import type { Attributes, Context, Span } from '@opentelemetry/api';
import type { ChatCompletion, ValidatedChatRequest } from '../../chat/index.js';
import type { LlmRouterConfiguration } from '../../config/index.js';
import type { PolicySnapshot } from '../../planning/index.js';
import {
  type AttemptFirstToken,
  type AttemptRecord,
  type AttemptStarted,
  type CallKey,
  type OpenTelemetry,
  openTelemetry,
  type RequestRecord,
  type RequestStarted,
  type TelemetryBus,
} from '../../telemetry/index.js';
import type {
  AnsweredRequest,
  PlannedRequest,
  RequestObserver,
  StreamFollower,
} from '../request-observer.js';
import { GenAiMetrics } from './gen-ai-metrics.js';
import { identitiesOf, type ProviderIdentity } from './provider-identity.js';
import { RecentTraces } from './recent-traces.js';
import { type Recorded, recordInput, recordOutput, StreamedOutput } from './recorded-messages.js';
import {
  attemptEndAttributes,
  endAttributes,
  errorTypeOf,
  finishReasonsOf,
  isError,
  type Operation,
  operationOf,
  planAttributes,
  requestAttributes,
  startAttributes,
} from './span-attributes.js';

/** Who makes the spans, as OpenTelemetry has it. */
const SCOPE = 'nestjs-llm-router';
/** Requests whose spans are open at once; the oldest is taken to have been lost. */
const MAX_OPEN = 10_000;
/** Of an answer; a provider could go on for ever. */
const MAX_CHOICES = 128;
const MAX_REASON_LENGTH = 64;
/** A request's name until it is known what is asked of whom. */
const UNPLANNED = 'llm_router.request';

/** The configuration, as far as spans tell of it. Requests under way keep the one they began with. */
interface Settings {
  readonly isEnabled: boolean;
  readonly policy: PolicySnapshot;
  /** By the providers' configured names. */
  readonly identities: () => ReadonlyMap<string, ProviderIdentity>;
}

interface AttemptSpan extends CallKey {
  readonly api: OpenTelemetry;
  readonly startedAtMs: number;
  readonly span: Span;
  readonly context: Context;
  /** What its metrics say of it. */
  readonly labels: Attributes;
  /** Why its choices ended. */
  readonly reasons: string[];
}

interface RequestSpan {
  readonly api: OpenTelemetry;
  readonly settings: Settings;
  readonly span: Span;
  readonly context: Context;
  /** Under way. */
  readonly attempts: AttemptSpan[];
  operation: Operation;
  recordsPrompts: boolean;
  hasLostHedge: boolean;
  /** Of a stream: tells what is known of its answer by then. Followers hear of the end too late. */
  beforeEnd: (() => void) | undefined;
  hasEnded: boolean;
}

/**
 * Spans and metrics of OpenTelemetry: one span a routed request, a child for each call of a deployment. Does nothing where
 * the application has set up no SDK.
 *
 * The request's span is INTERNAL, it goes nowhere; those of its calls are CLIENT. What is billed, tokens by `gen_ai.usage.*`,
 * stands on the calls alone: whoever sums it over spans counts nothing twice.
 */
export class RequestTracer implements RequestObserver {
  readonly #requests = new Map<string, RequestSpan>();
  readonly #recent = new RecentTraces();
  readonly #metrics = new GenAiMetrics([SCOPE, undefined]);
  #settings: Settings | undefined;

  constructor(bus: TelemetryBus) {
    bus.on('request-started', (event) => {
      this.requestStarted(event);
    });
    bus.on('attempt-started', (event) => {
      this.attemptStarted(event);
    });
    bus.on('attempt-first-token', (event) => {
      this.firstToken(event);
    });
    bus.on('attempt-finish-reason', ({ reason, ...key }) => {
      const reasons = this.find(key)?.reasons;
      if (reasons !== undefined && reasons.length < MAX_CHOICES)
        reasons.push(reason.slice(0, MAX_REASON_LENGTH));
    });
    bus.on('attempt-ended', (record) => {
      this.attemptEnded(record);
    });
    bus.on('request-ended', (record) => {
      this.requestEnded(record);
    });
    bus.aroundCall = (key, call) => this.aroundCall(key, call);
  }

  /** Requests whose spans are open. */
  get open(): number {
    return this.#requests.size;
  }

  /**
   * From the next request on.
   *
   * @param environment - Where a provider's location may be.
   */
  follow(
    configuration: LlmRouterConfiguration,
    policy: PolicySnapshot,
    environment: NodeJS.ProcessEnv,
  ): void {
    let identities: ReadonlyMap<string, ProviderIdentity> | undefined;
    this.#settings = {
      isEnabled: configuration.observability.tracing.enabled,
      policy,
      identities: () => (identities ??= identitiesOf(configuration, environment)),
    };
  }

  /** The trace that a decision is in, for exemplars. Undefined: none was recorded, or it is long ago. */
  traceIdOf(decisionId: string): string | undefined {
    return this.#recent.get(decisionId);
  }

  onPlanned(planned: PlannedRequest, asked: ValidatedChatRequest | undefined): void {
    const request = this.#requests.get(planned.labels.decisionId);
    if (request === undefined) return;
    if (planned.isEscalation) {
      request.span.setAttribute('llm_router.escalated', true);
      return;
    }
    request.recordsPrompts = planned.plan.surface.recordPrompts ?? false;
    request.operation = operationOf(planned.labels.requestClass);
    request.span.updateName(`${request.operation} ${planned.requestedModel ?? 'auto'}`);
    if (!request.span.isRecording()) return;
    request.span.setAttributes(planAttributes(planned));
    if (asked === undefined) return;
    // Now, and not with the answer: most is asked of what has none.
    request.span.setAttributes(requestAttributes(asked));
    if (request.recordsPrompts) setInput(request.span, recordInput(asked.messages));
  }

  onAnswer(answered: AnsweredRequest, completion: ChatCompletion): void {
    const request = this.answering(answered);
    if (request === undefined) return;
    const { span } = request;
    const reasons = finishReasonsOf(completion).slice(0, MAX_CHOICES);
    span.setAttribute(
      'gen_ai.response.finish_reasons',
      reasons.map((reason) => reason.slice(0, MAX_REASON_LENGTH)),
    );
    if (request.recordsPrompts) setOutput(span, recordOutput(completion));
  }

  followStream(answered: AnsweredRequest): StreamFollower | undefined {
    const request = this.answering(answered);
    if (request === undefined) return undefined;
    const { span } = request;
    const reasons = new Map<number, string>();
    const output = request.recordsPrompts ? new StreamedOutput() : undefined;
    request.beforeEnd = () => {
      if (reasons.size > 0) span.setAttribute('gen_ai.response.finish_reasons', [...reasons.values()]);
      if (output !== undefined) setOutput(span, output.record());
    };
    return {
      onChunk: (chunk) => {
        for (const { index, finish_reason: reason } of chunk.choices) {
          if (reason === null || reasons.size >= MAX_CHOICES) continue;
          reasons.set(index, reason.slice(0, MAX_REASON_LENGTH));
        }
        output?.chunk(chunk);
      },
      onEnd: () => undefined,
    };
  }

  /** The span of a request that is being answered, where anybody wants to know of it. */
  private answering({ labels }: AnsweredRequest): RequestSpan | undefined {
    const request = this.#requests.get(labels.decisionId);
    return request?.span.isRecording() ? request : undefined;
  }

  private requestStarted(event: RequestStarted): void {
    const settings = this.#settings;
    if (!settings?.isEnabled) return;
    const api = openTelemetry();
    if (api === undefined) return;
    // The caller's: it is told in the way of the request.
    const parent = api.context.active();
    const span = api.trace.getTracer(SCOPE).startSpan(
      UNPLANNED,
      {
        kind: api.SpanKind.INTERNAL,
        attributes: startAttributes(event),
        startTime: event.startedAtMs,
      },
      parent,
    );
    const { traceId, traceFlags } = span.spanContext();
    if ((traceFlags & api.TraceFlags.SAMPLED) !== 0) this.#recent.add(event.decisionId, traceId);
    this.#requests.set(event.decisionId, {
      api,
      settings,
      span,
      context: api.trace.setSpan(parent, span),
      attempts: [],
      operation: 'chat',
      recordsPrompts: false,
      hasLostHedge: false,
      beforeEnd: undefined,
      hasEnded: false,
    });
    if (this.#requests.size > MAX_OPEN) this.giveUpOldest();
  }

  private attemptStarted({ decisionId, attempt, deployment, startedAtMs, ...event }: AttemptStarted): void {
    const request = this.#requests.get(decisionId);
    if (request === undefined) return;
    const { api, settings, context } = request;
    const planned = settings.policy.models.get(event.model)?.deployments.find(({ id }) => id === deployment);
    const upstreamModel = planned?.upstreamModel ?? event.model;
    const identity = settings.identities().get(event.provider);
    // A chat request's class may be found by vectors.
    const makesVectors = settings.policy.embeddingNames.has(event.model);
    const operation = makesVectors ? 'embeddings' : request.operation;
    const labels: Attributes = {
      'gen_ai.operation.name': operation,
      'gen_ai.provider.name': identity?.name ?? event.provider,
      'gen_ai.request.model': upstreamModel,
      ...(identity?.address === undefined
        ? {}
        : { 'server.address': identity.address, 'server.port': identity.port }),
    };
    const span = api.trace.getTracer(SCOPE).startSpan(
      `${operation} ${upstreamModel}`,
      {
        kind: api.SpanKind.CLIENT,
        startTime: startedAtMs,
        attributes: {
          ...labels,
          'gen_ai.request.stream': event.streamed,
          'llm_router.decision_id': decisionId,
          'llm_router.attempt': attempt,
          'llm_router.deployment': deployment,
          'llm_router.model': event.model,
          'llm_router.provider': event.provider,
        },
      },
      context,
    );
    request.attempts.push({
      api,
      decisionId,
      attempt,
      deployment,
      startedAtMs,
      span,
      // Baggage is the application's own: no instrumentation is to send it to a provider.
      context: api.propagation.deleteBaggage(api.trace.setSpan(context, span)),
      labels,
      reasons: [],
    });
  }

  /** Makes the call's span the active one in it. */
  private aroundCall<Result>(key: CallKey, call: () => Result): Result {
    const started = this.find(key);
    return started === undefined ? call() : started.api.context.with(started.context, call);
  }

  private firstToken({ timeToFirstTokenMs, ...key }: AttemptFirstToken): void {
    const started = this.find(key);
    if (started === undefined) return;
    const { api, span, labels, context } = started;
    span.addEvent('gen_ai.first_chunk', started.startedAtMs + timeToFirstTokenMs);
    this.#metrics.timeToFirstChunk(api, timeToFirstTokenMs / 1_000, labels, context);
  }

  /** A call that is under way. */
  private find({ decisionId, attempt, deployment }: CallKey): AttemptSpan | undefined {
    // Two that find out the class may have the same number.
    return this.#requests
      .get(decisionId)
      ?.attempts.findLast((other) => other.attempt === attempt && other.deployment === deployment);
  }

  private attemptEnded(record: AttemptRecord): void {
    const request = this.#requests.get(record.decisionId);
    if (request === undefined) return;
    const index = request.attempts.findIndex(
      ({ attempt, deployment, startedAtMs }) =>
        attempt === record.attempt && deployment === record.deployment && startedAtMs === record.startedAtMs,
    );
    const [ended] = index < 0 ? [] : request.attempts.splice(index, 1);
    if (ended === undefined) return;
    if (record.outcome === 'hedge_lost') request.hasLostHedge = true;
    const { span, reasons } = ended;
    if (span.isRecording()) span.setAttributes(attemptEndAttributes(record, reasons));
    if (isError(record.outcome)) span.setStatus({ code: request.api.SpanStatusCode.ERROR });
    this.measure(request, ended, record);
    // Its times are the record's: a clock of the SDK's own may run apart from it.
    span.end(record.startedAtMs + record.durationMs);
    // A copy that lost may end after its request.
    if (request.hasEnded && request.attempts.length === 0) this.#requests.delete(record.decisionId);
  }

  private measure({ api }: RequestSpan, { labels, context }: AttemptSpan, record: AttemptRecord): void {
    const errorType = errorTypeOf(record);
    const { outcome, usage, usageSource } = record;
    // A call that was broken off from our side is no measure of how long one takes.
    if (outcome === 'succeeded' || errorType !== undefined) {
      const attributes = errorType === undefined ? labels : { ...labels, 'error.type': errorType };
      this.#metrics.duration(api, record.durationMs / 1_000, attributes, context);
    }
    // What nobody has counted is not told.
    if (usageSource !== 'reported') return;
    this.#metrics.tokens(api, 'input', usage.promptTokens, labels, context);
    if (labels['gen_ai.operation.name'] === 'chat') {
      this.#metrics.tokens(api, 'output', usage.completionTokens, labels, context);
    }
  }

  private requestEnded(record: RequestRecord): void {
    const request = this.#requests.get(record.decisionId);
    if (request === undefined || request.hasEnded) return;
    request.hasEnded = true;
    if (request.attempts.length === 0) this.#requests.delete(record.decisionId);
    const { span, settings } = request;
    request.beforeEnd?.();
    const provider = record.servedBy?.provider;
    if (span.isRecording()) {
      const identity = provider === undefined ? undefined : settings.identities().get(provider);
      span.setAttributes(endAttributes(record, identity, record.hedged ?? request.hasLostHedge));
    }
    if (isError(record.outcome)) span.setStatus({ code: request.api.SpanStatusCode.ERROR });
    span.end(record.startedAtMs + record.durationMs);
  }

  /** Its end was never told: what is known of it is exported all the same. */
  private giveUpOldest(): void {
    const [oldest] = this.#requests;
    if (oldest === undefined) return;
    const [decisionId, { span, attempts, hasEnded }] = oldest;
    this.#requests.delete(decisionId);
    for (const attempt of attempts) attempt.span.end();
    if (hasEnded) return;
    span.setAttribute('llm_router.outcome', 'unknown');
    span.end();
  }
}

function setInput(span: Span, { text, isCut }: Recorded): void {
  span.setAttribute('gen_ai.input.messages', text);
  if (isCut) span.setAttribute('llm_router.input_cut_off', true);
}

function setOutput(span: Span, { text, isCut }: Recorded): void {
  span.setAttribute('gen_ai.output.messages', text);
  if (isCut) span.setAttribute('llm_router.output_cut_off', true);
}
