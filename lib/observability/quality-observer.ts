import type { ChatCompletion, ChatCompletionChunk } from '../chat/index.js';
import {
  AnswerCollector,
  type AnsweredDecisions,
  type AskedOfAnswer,
  askedOfAnswer,
  evaluateAnswer,
} from '../quality/index.js';
import type { TelemetryBus } from '../telemetry/index.js';
import type { AnsweredRequest, RequestObserver, StreamFollower } from './request-observer.js';

/** Answers that wait to be looked at. More come only where the event loop has no time left: the oldest go unjudged. */
const MAX_WAITING = 1_000;
/** Whoever waits for something else has a turn after so long. */
const TURN_MS = 2;

interface Judged {
  readonly answered: Pick<AnsweredRequest, 'labels' | 'owner' | 'served'>;
  readonly asked: AskedOfAnswer;
  readonly collector: AnswerCollector;
}

/**
 * Looks at every answer once its request has ended and the caller has it, and tells the bus what was wrong with it. What it
 * needs of request and answer it takes before that: both are the caller's then.
 */
export class QualityObserver implements RequestObserver {
  /** Under way, by decision: each leaves with the end of its request. */
  readonly #open = new Map<string, Judged>();
  #waiting: Judged[] = [];
  #isTurnDue = false;

  constructor(
    private readonly bus: TelemetryBus,
    private readonly decisions: AnsweredDecisions,
    private readonly onFault: (decisionId: string, error: unknown) => void,
  ) {
    bus.on('request-ended', ({ decisionId, outcome }) => {
      const judged = this.#open.get(decisionId);
      if (judged === undefined) return;
      this.#open.delete(decisionId);
      if (outcome === 'succeeded') this.add(judged);
    });
  }

  onAnswer(answered: AnsweredRequest, completion: ChatCompletion): void {
    this.begin(answered).answer(completion);
  }

  followStream(answered: AnsweredRequest): StreamFollower {
    const collector = this.begin(answered);
    return {
      onChunk: (chunk: ChatCompletionChunk) => {
        collector.chunk(chunk);
      },
      onEnd: () => undefined,
    };
  }

  /** Looks at what waits, at once. */
  close(): void {
    // The turn that is due finds nothing. Taken back it is not: with a test's clock it may not be Node's to take.
    for (const judged of this.#waiting.splice(0)) this.judge(judged);
  }

  private begin({ labels, owner, served, request }: AnsweredRequest): AnswerCollector {
    const asked = askedOfAnswer(request);
    const collector = new AnswerCollector(asked.wanted !== undefined);
    this.#open.set(labels.decisionId, { answered: { labels, owner, served }, asked, collector });
    return collector;
  }

  private add(judged: Judged): void {
    const { labels, served, owner } = judged.answered;
    // At once: whoever has the answer may score it at once.
    this.decisions.remember(labels, served, owner);
    this.#waiting.push(judged);
    if (this.#waiting.length > MAX_WAITING) this.#waiting.shift();
    this.schedule();
  }

  private schedule(): void {
    if (this.#isTurnDue) return;
    this.#isTurnDue = true;
    setImmediate(() => {
      this.#isTurnDue = false;
      const startedAt = performance.now();
      let count = 0;
      for (const judged of this.#waiting) {
        this.judge(judged);
        count += 1;
        if (performance.now() - startedAt > TURN_MS) break;
      }
      this.#waiting.splice(0, count);
      if (this.#waiting.length > 0) this.schedule();
    });
  }

  private judge({ answered: { labels, served }, asked, collector }: Judged): void {
    try {
      const { deployment, model, provider } = served;
      const evaluation = evaluateAnswer(collector.choices(), asked);
      this.bus.emit('answer-evaluated', { ...labels, deployment, model, provider, ...evaluation });
    } catch (error) {
      this.onFault(labels.decisionId, error);
    }
  }
}
