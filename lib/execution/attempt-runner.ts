import { InvalidRequestError } from '../errors/invalid-request-error.js';
import { ProviderError } from '../errors/provider-error.js';
import { type PlannedAttempt, promptOf } from '../planning/index.js';
import type { UpstreamClient } from '../providers/upstream-client.js';
import type { Outcome, TelemetryBus } from '../telemetry/index.js';
import { AttemptClock, AttemptStopped, type StopCause } from './attempt-clock.js';
import { AttemptRecorder } from './attempt-recorder.js';
import type { PlannedExecution } from './execution.js';

export type AttemptResult<Answer> =
  | { readonly kind: 'answered'; readonly answer: Answer }
  | { readonly kind: 'failed'; readonly error: ProviderError; readonly stopCause: StopCause | undefined }
  /** The adapter cannot say this request on its wire. */
  | { readonly kind: 'unsayable'; readonly error: InvalidRequestError }
  /** The caller left, the shutdown ended it, or another copy of the request was answered first. */
  | { readonly kind: 'ended'; readonly cause: StopCause };

/** An attempt on its way. */
export interface RunningAttempt<Answer> {
  readonly planned: PlannedAttempt;
  readonly result: Promise<AttemptResult<Answer>>;
  stop(cause: StopCause): void;
  /** Tells that a second copy is sent because this one takes long. */
  overdue(): void;
}

export interface Call<Prepared> {
  readonly execution: PlannedExecution;
  readonly planned: PlannedAttempt;
  readonly prepared: Prepared;
  readonly clock: AttemptClock;
  readonly recorder: AttemptRecorder;
  /** Whether it is worth while to give it up for another; asked when its time is up. Does not throw. */
  readonly mayMoveOn: () => boolean;
  /**
   * To be asked once an answer is there: of several copies of a request one alone is served. Ends the attempt where it is
   * not the first.
   */
  readonly claim: () => Promise<void>;
  /** A whole answer has begun to arrive: its target cuts it no more. */
  readonly onBegun: () => void;
}

/** How requests of one kind are put on a wire, and carried out once they are. */
export interface Kind<Prepared, Answer> {
  /** @throws {@link InvalidRequestError} when the deployment's wire cannot say the request. */
  prepare(
    client: UpstreamClient,
    planned: PlannedAttempt,
    onExhausted?: (exhaustedForMs: number) => void,
  ): Prepared;
  run(call: Call<Prepared>): Promise<Answer>;
}

export function clientOf({ clients }: PlannedExecution, { deployment }: PlannedAttempt): UpstreamClient {
  const client = clients.get(deployment.provider);
  if (client === undefined) throw new TypeError(`No client for provider ${deployment.provider}`);
  return client;
}

/** What the caller did wrong is no failure of the deployment. */
export function outcomeOfFailure(error: ProviderError): Outcome {
  if (!error.isRetryable) return 'rejected';
  return error.kind === 'timeout' ? 'timed_out' : 'failed';
}

/** The client's own short deadline, or half of it, ended the attempt: no fault of the deployment, and no measure. */
function isImpatienceOfClient(cause: StopCause, { plan, labels }: PlannedExecution): boolean {
  if (!plan.isDeadlineOfClient) return false;
  return cause === 'deadline' || (cause === 'too_slow' && !labels.streamed);
}

export interface AttemptStart<Prepared, Answer> {
  readonly bus: TelemetryBus;
  readonly execution: PlannedExecution;
  readonly planned: PlannedAttempt;
  /** A second copy, sent beside a call that takes longer than it usually does. */
  readonly isHedge: boolean;
  /** Position in the request, from 1. */
  readonly attempt: number;
  readonly kind: Kind<Prepared, Answer>;
  readonly mayMoveOn: () => boolean;
  /** True for the first that asks, once the others have ended. */
  readonly claim: () => Promise<boolean>;
  readonly onBegun: () => void;
}

/**
 * Puts one attempt on the wire. What the wire cannot say is found at once; the rest is told by the result. Its record is
 * emitted exactly once, before the result is there (of a stream that has begun: when it ends).
 */
export function startAttempt<Prepared, Answer>({
  bus,
  execution,
  planned,
  isHedge,
  attempt,
  kind,
  mayMoveOn,
  claim,
  onBegun,
}: AttemptStart<Prepared, Answer>): RunningAttempt<Answer> {
  const client = clientOf(execution, planned);
  // There is none yet when the call is prepared; its headers come later.
  const begun: { recorder?: AttemptRecorder } = {};
  let prepared: Prepared;
  try {
    prepared = kind.prepare(client, planned, (exhaustedForMs) => {
      begun.recorder?.exhausted(exhaustedForMs);
    });
  } catch (error) {
    if (!(error instanceof InvalidRequestError)) throw error;
    return {
      planned,
      result: Promise.resolve({ kind: 'unsayable', error }),
      stop: () => undefined,
      overdue: () => undefined,
    };
  }
  const recorder = new AttemptRecorder(
    bus,
    execution.labels,
    planned,
    attempt,
    promptOf(planned.deployment, execution.features).inputTokens,
    isHedge,
    () => execution.clients.get(planned.deployment.provider)?.readSecrets() ?? [],
  );
  begun.recorder = recorder;
  const clock = new AttemptClock(execution.signal);
  const call: Call<Prepared> = {
    execution,
    planned,
    prepared,
    clock,
    recorder,
    mayMoveOn,
    onBegun,
    claim: async () => {
      if (await claim()) return;
      clock.stop('hedge_lost');
      throw clock.signal.reason;
    },
  };
  const run = async (): Promise<AttemptResult<Answer>> => {
    try {
      return { kind: 'answered', answer: await kind.run(call) };
    } catch (error) {
      clock.dispose();
      return judge(error, call);
    }
  };
  return {
    planned,
    result: bus.aroundCall(recorder.key, run),
    stop: (cause) => {
      clock.stop(cause);
    },
    overdue: () => {
      recorder.overdue();
    },
  };
}

/** Turns what an attempt threw into its record and the cascade's next step. */
function judge(
  error: unknown,
  { execution, planned, clock, recorder }: Call<unknown>,
): Exclude<AttemptResult<never>, { kind: 'answered' | 'unsayable' }> {
  const settle = (outcome: Outcome, failure?: ProviderError): void => {
    execution.records.push(recorder.settle(outcome, { error: failure, usage: undefined }));
  };
  const cause = error instanceof AttemptStopped ? error.stopCause : clock.stopCause;
  // Ended from our side after it was sent: the provider has read the prompt, and bills it.
  if (cause !== undefined) recorder.accepted();
  if (cause === 'client_left' || cause === 'shutdown') {
    settle('client_left');
    return { kind: 'ended', cause };
  }
  if (cause === 'hedge_lost' || cause === 'overtaken') {
    execution.records.push(recorder.settle('hedge_lost', { overtaken: cause === 'overtaken' }));
    return { kind: 'ended', cause };
  }
  if (cause !== undefined) {
    const failure = new ProviderError({ kind: 'timeout', providerCode: cause });
    const fairMs = Math.max(
      planned.usualP95Ms ?? 0,
      Math.min(planned.targetLatencyMs, planned.timeouts.firstTokenMs),
    );
    const cutShort = cause === 'deadline' && recorder.elapsedMs < fairMs;
    if (isImpatienceOfClient(cause, execution)) settle('client_left');
    else execution.records.push(recorder.settle('timed_out', { error: failure, cutShort }));
    return { kind: 'failed', error: failure, stopCause: cause };
  }
  if (error instanceof ProviderError) {
    // An answer that began with success was generated, and is billed, even if it did not arrive whole.
    if (error.status !== undefined && error.status < 300) recorder.accepted();
    settle(outcomeOfFailure(error), error);
    return { kind: 'failed', error, stopCause: undefined };
  }
  // A fault of ours: recorded, so that no in-flight count stays behind, and passed on. The deployment is not to blame.
  settle('rejected', new ProviderError({ kind: 'bad_response', providerCode: 'router_fault' }));
  throw error;
}
