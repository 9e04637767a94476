import { DecisionNotFoundError, InvalidRequestError } from '../errors/index.js';
import type { DeploymentLabels, RequestLabels, TelemetryBus } from '../telemetry/index.js';

/** Answers that can be scored: about a kilobyte each. */
const MAX_DECISIONS = 10_000;

interface AnsweredDecision {
  readonly labels: RequestLabels;
  readonly served: DeploymentLabels;
  readonly owner: string;
  said: { readonly score: number; readonly atMs: number } | undefined;
}

/**
 * What became of a word on an answer.
 *
 * @publicApi
 */
export interface FeedbackReceipt {
  readonly decisionId: string;
  readonly score: number;
  /** Something had been said of the same answer, and counts no longer. */
  readonly isReplacement: boolean;
}

/** The last answers by their decision, as labels alone, so that they can be scored. */
export class AnsweredDecisions {
  /** The oldest first. */
  readonly #decisions = new Map<string, AnsweredDecision>();

  constructor(
    private readonly bus: TelemetryBus,
    private readonly maxDecisions = MAX_DECISIONS,
    private readonly now: () => number = Date.now,
  ) {}

  get size(): number {
    return this.#decisions.size;
  }

  remember(labels: RequestLabels, { deployment, model, provider }: DeploymentLabels, owner: string): void {
    this.#decisions.set(labels.decisionId, {
      labels,
      served: { deployment, model, provider },
      owner,
      said: undefined,
    });
    if (this.#decisions.size <= this.maxDecisions) return;
    const [oldest] = this.#decisions.keys();
    if (oldest !== undefined) this.#decisions.delete(oldest);
  }

  /**
   * Tells the bus what an answer was worth. A second word takes the place of the first.
   *
   * @param owner - Who says so; undefined: somebody who may score everybody's.
   * @param surfaces - Those that may be scored; undefined: all.
   * @throws {@link InvalidRequestError}, {@link DecisionNotFoundError}; the latter for another's too, so that nobody
   * learns which decisions there are.
   */
  score(decisionId: unknown, score: unknown, owner?: string, surfaces?: readonly string[]): FeedbackReceipt {
    if (typeof decisionId !== 'string' || decisionId === '') {
      throw new InvalidRequestError('`decision_id` must be the id of a decision, as text.', 'decision_id');
    }
    if (typeof score !== 'number' || !(score >= 0 && score <= 1)) {
      throw new InvalidRequestError('`score` must be a number from 0 to 1.', 'score');
    }
    const decision = this.#decisions.get(decisionId);
    const isTheirs =
      (owner === undefined || owner === decision?.owner) &&
      surfaces?.includes(decision?.labels.surface ?? '') !== false;
    if (decision === undefined || !isTheirs) {
      throw new DecisionNotFoundError('decision_id');
    }
    const { labels, served, said } = decision;
    decision.said = { score, atMs: this.now() };
    this.bus.emit('feedback-given', {
      ...labels,
      ...served,
      score,
      ...(said === undefined ? {} : { replaces: said }),
    });
    return { decisionId, score, isReplacement: said !== undefined };
  }
}
