import { isDeepStrictEqual } from 'node:util';
import type { PolicySnapshot } from '../planning/index.js';
import type { TelemetryBus } from '../telemetry/index.js';
import { ObservedSavingsAggregate } from './observed-savings.js';
import { SavingsAggregate } from './savings-aggregate.js';
import type { SavingsReport } from './savings-report.js';

/**
 * Counts what was spent and what the baseline would have cost, from the records alone. Spent is every call, failed and
 * fallback ones included; the baseline would have been called once a request, for the tokens of the call that
 * answered. A request that nobody answered, or whose caller left, has no baseline: its cost lowers the savings. Nor has
 * a request for embeddings: the baseline makes none.
 *
 * Figures of one report are measured against one baseline: where a reconfiguration changes it or its price, the count
 * begins anew, and `since` says from when.
 *
 * Keys come from the configuration alone, so its memory is bounded.
 */
export class SavingsStore {
  #since = new Date();
  #total: SavingsAggregate;
  #observed = new ObservedSavingsAggregate();
  readonly #surfaces = new Map<string, SavingsAggregate>();
  readonly #models = new Map<string, SavingsAggregate>();
  #unpriced: ReadonlySet<string>;

  constructor(
    bus: TelemetryBus,
    private policy: Pick<PolicySnapshot, 'baseline' | 'models'>,
  ) {
    this.#total = new SavingsAggregate(policy.baseline);
    this.#unpriced = unpricedIn([policy]);
    bus.on('attempt-ended', (record) => {
      const isPriced = !this.#unpriced.has(record.deployment);
      this.#total.addCall(record, isPriced);
      this.of(this.#surfaces, record.surface).addCall(record, isPriced);
      this.of(this.#models, record.model).addCall(record, isPriced);
    });
    bus.on('request-ended', (record) => {
      this.#total.addRequest();
      this.of(this.#surfaces, record.surface).addRequest();
      this.#observed.add(record);
    });
  }

  /**
   * Counts under another policy from now on.
   *
   * @param older - Those under which requests are still under way: their calls are yet to be counted.
   */
  follow(policy: Pick<PolicySnapshot, 'baseline' | 'models'>, older: readonly PolicySnapshot[]): void {
    const isSameBaseline = isDeepStrictEqual(policy.baseline, this.policy.baseline);
    this.policy = policy;
    this.#unpriced = unpricedIn([...older, policy]);
    if (isSameBaseline) return;
    this.#since = new Date();
    this.#total = new SavingsAggregate(policy.baseline);
    this.#observed = new ObservedSavingsAggregate();
    this.#surfaces.clear();
    this.#models.clear();
  }

  report(): SavingsReport {
    const { baseline } = this.policy;
    const models = [...this.#models].map(([name, aggregate]) => [name, aggregate.read()] as const);
    return {
      since: this.#since.toISOString(),
      baseline: baseline?.model ?? null,
      baselinePrice: baseline?.price ?? null,
      ...this.#total.readWithRequests(),
      surfaces: Object.fromEntries(
        [...this.#surfaces].map(([name, aggregate]) => [name, aggregate.readWithRequests()]),
      ),
      models: Object.fromEntries(models),
      observed: this.#observed.read(),
      notes: [
        ...(baseline === undefined
          ? ['To see what is saved, set `baseline` to the model you would call without the router.']
          : []),
        ...models
          .filter(([, { unpriced }]) => unpriced.calls > 0)
          .map(([name]) => `Calls of ${name} are in no dollar figure; add \`models.${name}.price\`.`),
      ],
    };
  }

  private of(aggregates: Map<string, SavingsAggregate>, key: string): SavingsAggregate {
    let aggregate = aggregates.get(key);
    if (aggregate === undefined) {
      aggregate = new SavingsAggregate(this.policy.baseline);
      aggregates.set(key, aggregate);
    }
    return aggregate;
  }
}

/** The deployments without a price; where two policies differ on one, the last has it. */
function unpricedIn(policies: readonly Pick<PolicySnapshot, 'models'>[]): ReadonlySet<string> {
  const isUnpriced = new Map<string, boolean>();
  for (const { models } of policies) {
    for (const { deployments } of models.values()) {
      for (const { id, price } of deployments) isUnpriced.set(id, price === undefined);
    }
  }
  return new Set([...isUnpriced].flatMap(([id, isWithout]) => (isWithout ? [id] : [])));
}
