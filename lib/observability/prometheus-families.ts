import type { BudgetReport } from '../cost/index.js';
import type { BreakerState } from '../signals/index.js';
import type { DeploymentLabels } from '../telemetry/index.js';
import { NONE } from './kpi-cell-key.js';
import type { KpiTime } from './kpi-cell.js';
import type { KpiStore } from './kpi-store.js';
import type { PrometheusFamilyDescription, PrometheusSample } from './prometheus-family.js';
import {
  attemptsByOutcome,
  type Group,
  type Grouping,
  histogramLines,
  type Labels,
  requestsByOutcome,
  ScrapeGroups,
  ShownSums,
} from './prometheus-groups.js';
import { ROUTER_VERSION } from './prometheus-version.js';
import type { SavingsReport } from './savings-report.js';

/** Where the values are read. */
export interface PrometheusSources {
  readonly kpis: Pick<KpiStore, 'lifetime' | 'live' | 'tenantTotals'>;
  readonly savings: () => SavingsReport;
  readonly budgets: () => BudgetReport;
  readonly breakers: () => Iterable<DeploymentLabels & { readonly state: BreakerState }>;
  /** Those that the configuration names: a name that a client sends is no label. */
  readonly tenants: () => ReadonlySet<string>;
  readonly policyHash: () => string;
  readonly withExemplars: () => boolean;
}

const BREAKER_VALUES: Readonly<Record<BreakerState, number>> = {
  closed: 0,
  ramping: 1,
  half_open: 2,
  open: 3,
};

const TOKEN_TYPES = {
  input: 'promptTokens',
  output: 'completionTokens',
  cached_input: 'cachedTokens',
  cache_write: 'cacheWriteTokens',
  reasoning: 'reasoningTokens',
} as const;

function ofModel({ model, provider }: { readonly model: string; readonly provider: string }): Labels {
  return { gen_ai_request_model: model, gen_ai_provider_name: provider };
}

/** Each is summed up once a scrape. */
const BY_QUESTION: Grouping = {
  labelsOf: ({ surface, class: requestClass }) => ({ surface, request_class: requestClass }),
  times: ['latency', 'timeToFirstToken'],
};
const BY_QUESTION_AND_WORKLOAD: Grouping = {
  labelsOf: (key) => ({ ...BY_QUESTION.labelsOf(key), workload: key.workload }),
};
const BY_MODEL: Grouping = {
  labelsOf: ofModel,
  times: ['attemptLatency', 'attemptTimeToFirstToken', 'timePerOutputToken'],
};
const BY_MODEL_AND_TIER: Grouping = { labelsOf: (key) => ({ ...ofModel(key), tier: key.tier }) };
const BY_MODEL_AND_SURFACE: Grouping = { labelsOf: (key) => ({ ...ofModel(key), surface: key.surface }) };
const BY_MODEL_AND_QUESTION: Grouping = {
  labelsOf: (key) => ({ ...ofModel(key), ...BY_QUESTION.labelsOf(key) }),
};

/** Everything that is read from elsewhere at the scrape. Label values come from the configuration and our code alone. */
export function prometheusFamilies(sources: PrometheusSources): PrometheusFamilyDescription[] {
  const { kpis } = sources;
  const groups = new ScrapeGroups(() => kpis.lifetime());
  const grouped = (
    grouping: Grouping,
    lines: (group: Group) => Iterable<PrometheusSample>,
  ): (() => PrometheusSample[]) => {
    return () => groups.by(grouping).flatMap((group) => [...lines(group)]);
  };
  const counted = (
    name: string,
    help: string,
    grouping: Grouping,
    valueOf: (cell: Group['cell']) => number,
  ): PrometheusFamilyDescription => ({
    name,
    help,
    type: 'counter',
    read: grouped(grouping, ({ labels, cell }) => {
      const value = valueOf(cell);
      return value > 0 ? [{ labels, value }] : [];
    }),
  });
  const timed = (
    name: string,
    help: string,
    grouping: Grouping,
    time: KpiTime,
  ): PrometheusFamilyDescription => {
    const sums = new ShownSums();
    return {
      name,
      help,
      type: 'histogram',
      read: grouped(grouping, (group) => histogramLines(name, time, group, sources.withExemplars(), sums)),
    };
  };
  const costs = new ShownSums();
  const tenantCosts = new ShownSums();

  return [
    {
      name: 'llm_router_requests_total',
      help: 'Requests by surface, class and outcome.',
      type: 'counter',
      read: grouped(BY_QUESTION_AND_WORKLOAD, requestsByOutcome),
    },
    {
      name: 'llm_router_request_errors_total',
      help: 'Requests without an answer, by the code they ended with.',
      type: 'counter',
      read: grouped(BY_QUESTION, ({ labels, cell }) =>
        [...cell.named('error_code')].map(({ name: code, count: value }) => ({
          labels: { ...labels, code },
          value,
        })),
      ),
    },
    counted(
      'llm_router_fallbacks_total',
      'Requests answered by another deployment than the first one called, which had failed.',
      BY_QUESTION,
      (cell) => cell.fellBack,
    ),
    counted('llm_router_sheds_total', 'Requests shed before any model was called.', BY_QUESTION, (cell) =>
      cell.requests('shed'),
    ),
    timed(
      'gen_ai_client_operation_duration_seconds',
      'Time from a request to its complete answer, over all attempts; successes alone.',
      BY_QUESTION,
      'latency',
    ),
    timed(
      'gen_ai_client_time_to_first_token_seconds',
      'Time from a streamed request to its first token, over all attempts.',
      BY_QUESTION,
      'timeToFirstToken',
    ),
    {
      name: 'llm_router_attempts_total',
      help: 'Calls of deployments by tier, outcome and kind of error.',
      type: 'counter',
      read: grouped(BY_MODEL_AND_TIER, attemptsByOutcome),
    },
    counted(
      'llm_router_hedges_total',
      'Second copies of requests, sent beside a call that took longer than it usually does.',
      BY_MODEL,
      (cell) => cell.hedges,
    ),
    timed(
      'gen_ai_server_request_duration_seconds',
      'Time of one call of a deployment; successes alone.',
      BY_MODEL,
      'attemptLatency',
    ),
    timed(
      'gen_ai_server_time_to_first_token_seconds',
      'Time of one call of a deployment to its first token.',
      BY_MODEL,
      'attemptTimeToFirstToken',
    ),
    timed(
      'gen_ai_server_time_per_output_token_seconds',
      'Time for each token of a streamed answer after the first; successes alone.',
      BY_MODEL,
      'timePerOutputToken',
    ),
    {
      name: 'gen_ai_client_token_usage_total',
      help: 'Tokens by type: input, output, and of these cached_input, cache_write, reasoning.',
      type: 'counter',
      read: grouped(BY_MODEL, ({ labels, cell }) =>
        Object.entries(TOKEN_TYPES).flatMap(([type, kind]) => {
          const value = cell.tokens[kind];
          return value > 0 ? [{ labels: { ...labels, gen_ai_token_type: type }, value }] : [];
        }),
      ),
    },
    {
      name: 'llm_router_cost_usd_total',
      help: 'Cost of all calls in US dollars, failed ones included.',
      type: 'counter',
      read: grouped(BY_MODEL_AND_SURFACE, ({ labels, cell }) =>
        cell.allAttempts > 0 ? [{ labels, value: costs.atLeastAsShown(labels, cell.costUsd.value) }] : [],
      ),
    },
    {
      name: 'llm_router_tenant_requests_total',
      help: 'Requests by tenant and outcome: tenants of the configuration, others together.',
      type: 'counter',
      read: () =>
        [...kpis.tenantTotals.values()].flatMap(({ tenant, requests }) =>
          [...requests].map(([outcome, value]) => ({ labels: { tenant, outcome }, value })),
        ),
    },
    {
      name: 'llm_router_tenant_cost_usd_total',
      help: 'Cost of all calls in US dollars by tenant: tenants of the configuration, others together.',
      type: 'counter',
      read: () =>
        [...kpis.tenantTotals.values()].flatMap(({ tenant, costUsd }) =>
          costUsd > 0 ? [{ labels: { tenant }, value: tenantCosts.atLeastAsShown({ tenant }, costUsd) }] : [],
        ),
    },
    {
      name: 'llm_router_quality_score',
      help: 'How good answers were, 0 to 1: the mean of evaluations and feedback since the start.',
      type: 'gauge',
      joined: 'max',
      read: grouped(BY_MODEL_AND_QUESTION, ({ labels, cell }) => {
        const samples = cell.evaluations + cell.feedback;
        return samples > 0 ? [{ labels, value: cell.scores / samples }] : [];
      }),
    },
    counted(
      'llm_router_quality_scores_total',
      'Sum of the scores of answers, 0 to 1 each; of feedback on an answer, the first.',
      BY_MODEL_AND_QUESTION,
      (cell) => cell.firstScores,
    ),
    counted(
      'llm_router_quality_samples_total',
      'Scores of answers: evaluations and feedback.',
      BY_MODEL_AND_QUESTION,
      (cell) => cell.evaluations + cell.feedback,
    ),
    {
      name: 'llm_router_answer_faults_total',
      help: 'Answers with a fault that can be found without asking anyone, by its kind.',
      type: 'counter',
      read: grouped(BY_MODEL, ({ labels, cell }) =>
        [...cell.named('fault')].map(({ name: fault, count: value }) => ({
          labels: { ...labels, fault },
          value,
        })),
      ),
    },
    ...liveFamilies(sources),
    ...moneyFamilies(sources),
    {
      name: 'llm_router_build_info',
      help: 'The version of the router, and the hash of the configuration in force.',
      type: 'gauge',
      joined: 'max',
      read: () => [{ labels: { version: ROUTER_VERSION, policy_hash: sources.policyHash() }, value: 1 }],
    },
  ];
}

function liveFamilies({ kpis, breakers }: PrometheusSources): PrometheusFamilyDescription[] {
  /** Idle ones too, once they have been called: a gauge that is gone says nothing. */
  const deployments = (of: (count: { inFlight: number; queued: number }) => number): PrometheusSample[] => {
    const values = new Map<string, { readonly labels: Labels; value: number }>();
    const at = (labels: Labels): { value: number } => {
      const key = Object.values(labels).join('\u0000');
      const known = values.get(key) ?? { labels, value: 0 };
      values.set(key, known);
      return known;
    };
    for (const { key } of kpis.lifetime()) if (key.provider !== NONE) at(ofModel(key));
    for (const count of kpis.live.deployments()) {
      const { model = NONE, provider = NONE } = count.labels;
      at(ofModel({ model, provider })).value += of(count);
    }
    return [...values.values()];
  };
  return [
    {
      name: 'llm_router_attempts_in_flight',
      help: 'Calls of a deployment under way.',
      type: 'gauge',
      read: () => deployments(({ inFlight }) => inFlight),
    },
    {
      name: 'llm_router_queue_depth',
      help: 'Requests that wait in the router for room at a deployment.',
      type: 'gauge',
      read: () => deployments(({ queued }) => queued),
    },
    {
      name: 'llm_router_requests_in_flight',
      help: 'Requests under way, also those that wait.',
      type: 'gauge',
      read: () => [{ labels: {}, value: kpis.live.total().inFlight }],
    },
    {
      name: 'llm_router_breaker_state',
      help: 'Breaker of a deployment: 0 closed, 1 letting part of the traffic through, 2 probing, 3 open.',
      type: 'gauge',
      joined: 'max',
      read: () => {
        const states = new Map<string, { readonly labels: Labels; value: number }>();
        // The catalogue's models are many: those that were called, and those that cannot be.
        const called = new Set([...kpis.lifetime()].map(({ key }) => key.deployment));
        for (const { deployment, model, provider, state } of breakers()) {
          if (state === 'closed' && !called.has(deployment)) continue;
          const key = `${model}\u0000${provider}`;
          const value = Math.max(BREAKER_VALUES[state], states.get(key)?.value ?? 0);
          states.set(key, { labels: ofModel({ model, provider }), value });
        }
        return [...states.values()];
      },
    },
  ];
}

function moneyFamilies({ savings, budgets, tenants }: PrometheusSources): PrometheusFamilyDescription[] {
  const ofSurfaces = (valueOf: (of: SavingsReport['surfaces'][string]) => number | null) => () =>
    Object.entries(savings().surfaces).flatMap(([surface, of]): PrometheusSample[] => {
      const value = valueOf(of);
      return value === null ? [] : [{ labels: { surface }, value }];
    });
  const ofBudgets = (valueOf: (of: BudgetReport['budgets'][number]) => number) => () =>
    budgets().budgets.flatMap((budget): PrometheusSample[] => {
      const { scope, name, per } = budget;
      // Those of `budgets.defaultTenant` have the names that clients send.
      if (scope === 'tenant' && !tenants().has(name)) return [];
      return [{ labels: { scope, name, per }, value: valueOf(budget) }];
    });
  return [
    {
      name: 'llm_router_baseline_cost_usd_total',
      help: 'What the baseline model would have cost for the same tokens, in US dollars; begins anew with another baseline.',
      type: 'counter',
      read: ofSurfaces(({ baselineUsd }) => baselineUsd),
    },
    {
      name: 'llm_router_saved_usd',
      help: 'Cost of the baseline less what was spent, in US dollars; negative where routing cost more.',
      type: 'gauge',
      read: ofSurfaces(({ savedUsd }) => savedUsd),
    },
    {
      name: 'llm_router_budget_limit_usd',
      help: 'Budgets of the configuration in US dollars.',
      type: 'gauge',
      joined: 'max',
      read: ofBudgets(({ limitUsd }) => limitUsd),
    },
    {
      name: 'llm_router_budget_spent_usd',
      help: 'What is spent of a budget in its present day or month, in US dollars.',
      type: 'gauge',
      joined: 'max',
      read: ofBudgets(({ spentUsd }) => spentUsd),
    },
    {
      name: 'llm_router_budget_reserved_usd',
      help: 'What is kept of a budget for requests under way, in US dollars.',
      type: 'gauge',
      joined: 'max',
      read: ofBudgets(({ reservedUsd }) => reservedUsd),
    },
  ];
}
