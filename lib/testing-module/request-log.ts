import type { AttemptRecord, AttemptStarted, RequestRecord, TelemetryBus } from '../telemetry/index.js';
import type { RoutedRequest } from './routed-requests.interface.js';
import type { ScriptedCall, ScriptedRequest } from './scripting.interface.js';

type Writable<Value> = { -readonly [Key in keyof Value]: Value[Key] };

/** Every call and every request since the last {@link clear}, told by the buses of the routers watched. */
export class RequestLog {
  #calls: Writable<ScriptedCall>[] = [];
  #requests: RoutedRequest[] = [];
  readonly #openDecisions = new Set<string>();
  /** Begun before a `clear`: their ends belong to no test any more. */
  readonly #forgotten = new Set<string>();
  /** Emitted the moment before the call it tells of is sent. */
  #started: AttemptStarted | undefined;

  /** How often each bus is watched: by every configuration a router has had and still serves by. */
  readonly #watched = new Map<TelemetryBus, { count: number; readonly end: () => void }>();

  /** Gives a function that ends the watch. However often a bus is watched, it is heard once. */
  watch(bus: TelemetryBus): () => void {
    const watched = this.#watched.get(bus) ?? { count: 0, end: this.listen(bus) };
    watched.count += 1;
    this.#watched.set(bus, watched);
    let isWatching = true;
    return () => {
      if (!isWatching) return;
      isWatching = false;
      watched.count -= 1;
      if (watched.count > 0) return;
      this.#watched.delete(bus);
      watched.end();
    };
  }

  private listen(bus: TelemetryBus): () => void {
    const subscriptions = [
      bus.on('attempt-started', (started) => {
        this.#started = started;
        this.#openDecisions.add(started.decisionId);
      }),
      bus.on('attempt-ended', (record) => {
        this.endCall(record);
      }),
      bus.on('request-ended', (record) => {
        this.endRequest(record);
      }),
    ];
    return () => {
      for (const unsubscribe of subscriptions) unsubscribe();
    };
  }

  get calls(): readonly ScriptedCall[] {
    return [...this.#calls];
  }

  get requests(): readonly RoutedRequest[] {
    return [...this.#requests];
  }

  get openRequests(): number {
    return this.#openDecisions.size - this.#forgotten.size;
  }

  /**
   * Notes a call that is being sent, and gives it the name the router has for its model. Not noted: a further call of a
   * request begun before a {@link clear}.
   */
  beginCall(asked: Omit<ScriptedRequest, 'model'>): {
    readonly request: ScriptedRequest;
    readonly isForgotten: boolean;
  } {
    const started = this.#started;
    this.#started = undefined;
    const request: ScriptedRequest = { ...asked, model: started?.model ?? asked.upstreamModel };
    if (this.#forgotten.has(started?.decisionId ?? '')) return { request, isForgotten: true };
    this.#calls.push({
      ...request,
      decisionId: started?.decisionId ?? '',
      attempt: started?.attempt ?? 1,
      outcome: undefined,
      errorKind: undefined,
      tier: undefined,
      surface: undefined,
      requestClass: undefined,
    });
    return { request, isForgotten: false };
  }

  clear(): void {
    this.#calls = [];
    this.#requests = [];
    for (const decisionId of this.#openDecisions) this.#forgotten.add(decisionId);
  }

  private endCall({ decisionId, attempt, ...record }: AttemptRecord): void {
    const call = this.#calls.find((one) => one.decisionId === decisionId && one.attempt === attempt);
    if (call === undefined) return;
    call.outcome = record.outcome;
    call.errorKind = record.errorKind;
    call.tier = record.tier;
    call.surface = record.surface;
    call.requestClass = record.requestClass;
  }

  private endRequest({ servedBy, ...record }: RequestRecord): void {
    const { decisionId } = record;
    this.#openDecisions.delete(decisionId);
    if (this.#forgotten.delete(decisionId)) return;
    this.#requests.push({
      ...record,
      model: servedBy?.model,
      provider: servedBy?.provider,
      deployment: servedBy?.deployment,
      tier: servedBy?.tier,
      calls: this.#calls.filter((call) => call.decisionId === decisionId),
    });
  }
}
