import { costOfUsage } from '../cost/index.js';
import {
  CLASSIFICATION_CLASS,
  EMBEDDINGS_CLASS,
  HEALTH_PROBE,
  type PolicyBaseline,
} from '../planning/index.js';
import type { AttemptRecord } from '../telemetry/index.js';
import { CompensatedSum } from './compensated-sum.js';
import { dollars } from './rounding.js';
import type { RequestSavings, Savings } from './savings-report.js';

/** Sums over the calls of one key, in constant memory. */
export class SavingsAggregate {
  readonly #spentUsd = new CompensatedSum();
  readonly #baselineUsd = new CompensatedSum();
  #requests = 0;
  #calls = 0;
  #answered = 0;
  #estimatedCalls = 0;
  #unpriced = { calls: 0, promptTokens: 0, completionTokens: 0 };

  constructor(private readonly baseline: PolicyBaseline | undefined) {}

  addRequest(): void {
    this.#requests += 1;
  }

  addCall(
    { usage, usageSource, costUsd, outcome, requestClass, afterAnswer = false }: AttemptRecord,
    isPriced: boolean,
  ): void {
    const { promptTokens, completionTokens } = usage;
    if (!isPriced) {
      this.#unpriced = {
        calls: this.#unpriced.calls + 1,
        promptTokens: this.#unpriced.promptTokens + promptTokens,
        completionTokens: this.#unpriced.completionTokens + completionTokens,
      };
      return;
    }
    this.#calls += 1;
    if (usageSource === 'estimated' && promptTokens + completionTokens > 0) this.#estimatedCalls += 1;
    this.#spentUsd.add(costUsd);
    // What was called to find out the class, or whether somebody is there, answered nobody.
    if (outcome !== 'succeeded' || requestClass === CLASSIFICATION_CLASS || requestClass === HEALTH_PROBE)
      return;
    // The request counts as answered with its first answer: the baseline is called once.
    if (afterAnswer) return;
    this.#answered += 1;
    // The baseline answers chats: it would not have been called for vectors.
    if (this.baseline === undefined || requestClass === EMBEDDINGS_CLASS) return;
    // Each kind of token at the baseline's own price for it: what was read from a cache here would have been there.
    this.#baselineUsd.add(costOfUsage(usage, this.baseline.price));
  }

  read(): Savings {
    const spentUsd = this.#spentUsd.value;
    const baselineUsd = this.#baselineUsd.value;
    const savedUsd = baselineUsd - spentUsd;
    const hasBaseline = this.baseline !== undefined;
    return {
      calls: this.#calls,
      answered: this.#answered,
      estimatedCalls: this.#estimatedCalls,
      spentUsd: dollars(spentUsd),
      baselineUsd: hasBaseline ? dollars(baselineUsd) : null,
      savedUsd: hasBaseline ? dollars(savedUsd) : null,
      savedShare: hasBaseline && baselineUsd > 0 ? dollars(savedUsd / baselineUsd) : null,
      unpriced: this.#unpriced,
    };
  }

  readWithRequests(): RequestSavings {
    return { requests: this.#requests, ...this.read() };
  }
}
