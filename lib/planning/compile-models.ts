import type { Catalog } from '../catalog/index.js';
import { presetOf, PROVIDER_PRESETS, qualityOf, TASK_KINDS, vertexCatalogName } from '../catalog/index.js';
import type { CatalogModel } from '../catalog/catalog-model.js';
import type {
  DeploymentOptions,
  LlmRouterConfiguration,
  ModelOptions,
  ProviderOptions,
} from '../config/index.js';
import { didYouMean } from '../config/index.js';
import { catalogPrice } from './catalog-price.js';
import { checkVertexModel } from './check-vertex-model.js';
import { lackedParameters } from './lacked-parameters.js';
import { latencyPrior } from './latency-prior.js';
import { ownTimeouts } from './own-timeouts.js';
import type { PolicyDeployment, PolicyModel } from './policy-snapshot.js';
import type { ProofNotes } from './proof-notes.js';
import { provePrice } from './prove-prices.js';
import { replaysThinking } from './replays-thinking.js';

// What the compiler makes up itself are plain objects, not instances of the options' classes.
type ModelEntry = Pick<ModelOptions, keyof ModelOptions>;
type DeploymentEntry = Pick<DeploymentOptions, keyof DeploymentOptions>;

interface MutableModel extends Omit<PolicyModel, 'deployments'> {
  deployments: PolicyDeployment[];
}

function modelOf(name: string, options: ModelEntry, facts: CatalogModel | undefined): MutableModel {
  const capabilities = options.capabilities ?? facts?.capabilities;
  return {
    name,
    quality: options.quality ?? (facts === undefined ? undefined : qualityOf(facts)?.value),
    qualityByTask: Object.fromEntries(
      TASK_KINDS.flatMap((kind) => {
        const value = options.quality ?? (facts === undefined ? undefined : qualityOf(facts, kind)?.value);
        return value === undefined ? [] : [[kind, value]];
      }),
    ),
    safety: options.safety,
    capabilities: capabilities === undefined ? undefined : new Set(capabilities),
    thinking: capabilities?.includes('reasoning')
      ? facts?.thinksOnRequest
        ? 'on_request'
        : 'always'
      : 'never',
    substitutable: options.substitutable ?? facts?.substitutable ?? true,
    deployments: [],
  };
}

/** The models that can be called: the user's own, and those of the catalogue that some provider serves natively. */
export class ModelCompiler {
  readonly models = new Map<string, PolicyModel>();
  readonly #usedIds = new Set<string>();

  constructor(
    private readonly configuration: LlmRouterConfiguration,
    private readonly catalog: Catalog,
    private readonly notes: ProofNotes,
  ) {}

  compile(): void {
    for (const [name, options] of Object.entries(this.configuration.models ?? {})) {
      this.addConfigured(name, options);
    }
    for (const name of [...this.catalog.names(), ...this.catalog.snapshotNames()]) {
      const facts = this.catalog.find(name);
      if (facts === undefined || this.models.has(facts.name)) continue;
      const deployments = this.nativeDeployments(facts);
      if (deployments.length > 0) this.add(facts.name, {}, facts, deployments, undefined);
    }
  }

  private addConfigured(name: string, options: ModelOptions): void {
    const path = `models.${name}`;
    const facts =
      this.catalog.find(name) ??
      (options.upstreamModel === undefined
        ? undefined
        : this.catalog.find(this.catalogName(options.upstreamModel, options.provider)));
    let deployments: readonly DeploymentEntry[];
    if (options.deployments !== undefined) {
      deployments = options.deployments;
    } else if (options.provider !== undefined) {
      deployments = [{ provider: options.provider, upstreamModel: options.upstreamModel }];
    } else if (facts === undefined) {
      this.notes.error(path, 'the catalogue does not know this model: name its `provider`');
      return;
    } else {
      deployments = this.nativeDeployments(facts).map((deployment) => ({
        ...deployment,
        upstreamModel: options.upstreamModel ?? deployment.upstreamModel,
      }));
      if (deployments.length === 0) {
        this.notes.error(path, `no provider serves it: name its \`provider\`${homeApi(facts)}`);
        return;
      }
    }
    this.add(name, options, facts, deployments, path);
  }

  /** At its maker's own API: by the wire format the catalogue names, or by the maker of a preset. */
  private nativeDeployments(facts: CatalogModel): DeploymentEntry[] {
    return Object.entries(this.configuration.providers ?? {})
      .filter(([, provider]) =>
        facts.api === undefined
          ? isNativeAtMaker(facts) && presetOf({ api: provider.api })?.maker === facts.maker
          : provider.api === facts.api || isAtVertex(facts, provider),
      )
      .map(([provider]) => ({ provider, upstreamModel: facts.name }));
  }

  private add(
    name: string,
    options: ModelEntry,
    facts: CatalogModel | undefined,
    deployments: readonly DeploymentEntry[],
    path: string | undefined,
  ): void {
    const providers = this.configuration.providers ?? {};
    const model = modelOf(name, options, facts);
    deployments.forEach((entry, index) => {
      const provider = Object.hasOwn(providers, entry.provider) ? providers[entry.provider] : undefined;
      if (provider === undefined) {
        const where = options.deployments === undefined ? 'provider' : `deployments[${index}].provider`;
        this.notes.error(
          `${path ?? name}.${where}`,
          `there is no provider "${entry.provider}".${didYouMean(entry.provider, Object.keys(providers))}`,
        );
        return;
      }
      if (provider.api === 'vertex') {
        const where =
          options.deployments === undefined ? 'upstreamModel' : `deployments[${index}].upstreamModel`;
        const called = entry.upstreamModel ?? facts?.name ?? name;
        checkVertexModel(`${path ?? name}.${where}`, called, provider, this.notes);
      }
      const called = this.factsOfCalled(entry, facts, provider.api);
      const price = entry.price ?? options.price;
      if (price !== undefined) {
        const where = entry.price === undefined ? 'price' : `deployments[${index}].price`;
        provePrice(`${path ?? name}.${where}`, price, provider, called, this.notes);
      }
      const paid = price ?? catalogPrice(called, provider);
      model.deployments.push({
        id: this.freeId(`${entry.provider}/${name}`),
        model,
        provider: entry.provider,
        upstreamModel: entry.upstreamModel ?? facts?.name ?? name,
        price: paid,
        contextWindow: entry.contextWindow ?? options.contextWindow ?? facts?.contextWindow,
        maxOutputTokens: entry.maxOutputTokens ?? options.maxOutputTokens ?? facts?.maxOutputTokens,
        maxConcurrency: entry.maxConcurrency ?? options.maxConcurrency ?? undefined,
        timeouts: ownTimeouts(entry.timeouts, options.timeouts),
        replaysThinking: replaysThinking(provider),
        unsupportedParameters: lackedParameters(provider, model.thinking, facts),
        weight: entry.weight ?? options.weight ?? 1,
        region:
          entry.region ?? options.region ?? regionOf(provider, entry.upstreamModel ?? facts?.name ?? name),
        retentionDays: entry.retentionDays ?? options.retentionDays ?? provider.retentionDays ?? undefined,
        requestsPerMinute: entry.requestsPerMinute ?? options.requestsPerMinute ?? undefined,
        tokensPerMinute: entry.tokensPerMinute ?? options.tokensPerMinute ?? undefined,
        prior: latencyPrior(paid, model.thinking),
      });
    });
    if (path !== undefined) this.warnUnknownFacts(path, model);
    if (model.deployments.length > 0) this.models.set(name, model);
  }

  /**
   * Facts of the model a deployment is billed as: the one it calls, where the catalogue knows that name, and otherwise
   * the one it stands for. On Azure the owner names the deployments as he likes.
   */
  private factsOfCalled(
    { provider, upstreamModel }: DeploymentEntry,
    facts: CatalogModel | undefined,
    api: ProviderOptions['api'],
  ): CatalogModel | undefined {
    if (upstreamModel === undefined || api === 'azure-openai') return facts;
    return this.catalog.find(this.catalogName(upstreamModel, provider)) ?? facts;
  }

  /** What the catalogue would call a model that a provider calls so. */
  private catalogName(upstreamModel: string, provider: string | undefined): string {
    const providers = new Map(Object.entries(this.configuration.providers ?? {}));
    return providers.get(provider ?? '')?.api === 'vertex' ? vertexCatalogName(upstreamModel) : upstreamModel;
  }

  /** The id itself, or with `#2` and so on; a model may itself be called `llama#2`. */
  private freeId(id: string): string {
    let free = id;
    for (let count = 2; this.#usedIds.has(free); count += 1) free = `${id}#${count}`;
    this.#usedIds.add(free);
    return free;
  }

  private warnUnknownFacts(path: string, model: PolicyModel): void {
    if (model.deployments.some((deployment) => deployment.price === undefined)) {
      this.notes.warn(
        `${path}.price`,
        'unknown, so its calls count as $0 and it passes no price cap; add `price: { inputPer1M, outputPer1M }`',
      );
    }
    if (model.deployments.some((deployment) => deployment.contextWindow === undefined)) {
      this.notes.warn(`${path}.contextWindow`, 'unknown, so the size of requests is not checked');
    }
    if (model.capabilities === undefined) {
      this.notes.warn(
        `${path}.capabilities`,
        'not declared, so tools, images and the like are sent to it unchecked',
      );
    }
  }
}

/**
 * Bedrock's inference profiles answer in any region of theirs, whichever is called
 * (docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html).
 */
const INFERENCE_PROFILE = /^(global|us-gov|us|eu|apac|jp|au|ca|sa|me|af)\.(?=[a-z])/;

/** Where a provider of Amazon's or Google's clouds answers; `global` is nowhere in particular. */
function regionOf({ api, region, location }: ProviderOptions, upstreamModel: string): string | undefined {
  if (api === 'bedrock') {
    // Of a profile that is called by its number nobody can tell.
    if (upstreamModel.startsWith('arn:')) return undefined;
    const [, profile] = INFERENCE_PROFILE.exec(upstreamModel) ?? [];
    if (profile !== undefined) return profile === 'global' ? undefined : profile;
  }
  const name = region ?? location ?? undefined;
  return name === 'global' ? undefined : name;
}

/** Some models their makers do not serve, or not by the name that all others use. */
function isNativeAtMaker(facts: CatalogModel): boolean {
  return facts.source !== 'hosts';
}

/** Vertex AI has the Gemini models by the Gemini API's names. Claude has others there, so it has to be named. */
function isAtVertex(facts: CatalogModel, provider: ProviderOptions): boolean {
  return provider.api === 'vertex' && facts.api === 'gemini' && facts.name.startsWith('gemini-');
}

/** What to configure so that a model of the catalogue can be called. */
export function homeApi(facts: CatalogModel): string {
  const preset = isNativeAtMaker(facts)
    ? Object.values(PROVIDER_PRESETS).find(({ maker }) => maker === facts.maker)
    : undefined;
  const api = facts.api ?? preset?.name;
  return api === undefined ? '' : `, or add a provider with api "${api}"`;
}
