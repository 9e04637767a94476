// Compiled by test/surface-types.e2e-spec.ts, once as it is and once for each `misspelt` line made to stand.
import {
  LlmRouterModule,
  type LlmRouterOptions,
  type RouterService,
  Surface,
  type SurfaceName,
} from 'nestjs-llm-router';

declare module 'nestjs-llm-router' {
  interface LlmSurfaces {
    support: true;
    reports: true;
  }
}

export const known: SurfaceName = 'support';

export class Answers {
  constructor(private readonly router: RouterService) {}

  @Surface('support', { workload: 'background', qualityFloor: 0.7, deadlineMs: 1_000, tenant: 'acme' })
  decorated(): void {
    // @ts-expect-error -- overrides are typed
    Surface('support', { workload: 'backgroun' });
    // @ts-expect-error -- a surface is named once
    Surface('support', { surface: 'reports' });
  }

  async called(): Promise<void> {
    await this.router.chat({ messages: [] }, { surface: 'reports' });
    this.router.runWith({ surface: 'support' }, () => undefined);
  }

  misspelt(): void {
    // @ts-expect-error -- misspelt
    Surface('suport');
    // @ts-expect-error -- misspelt
    void this.router.chat({ messages: [] }, { surface: 'report' });
    // @ts-expect-error -- misspelt
    this.router.runWith({ surface: 'Support' }, () => undefined);
  }
}

// @ts-expect-error -- misspelt
export const misspelt = LlmRouterModule.forFeature({ surfaces: { suport: {} } });
export const feature = LlmRouterModule.forFeature({ surfaces: { support: { qualityFloor: 0.6 } } });

const options: LlmRouterOptions = {
  routing_rules: { simple_queries: { primary: 'gpt-4o-mini', max_cost_per_1k: 0.002 } },
  models: { mine: { provider: 'local', price: { input_per_1m: 1, outputPer1M: 2 } } },
};
export const parts: [LlmRouterOptions['routingRules'], LlmRouterOptions['http']] = [
  options.routingRules,
  options.http,
];
export const again: LlmRouterOptions = { ...options, http: parts[1] };
// @ts-expect-error -- an unknown key
export const unknownKey: LlmRouterOptions = { routingRule: {} };
