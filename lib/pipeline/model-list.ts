import type { PolicySnapshot } from '../planning/index.js';

/** One entry of `GET /v1/models`, in OpenAI's shape. */
export interface ListedModel {
  readonly id: string;
  readonly object: 'model';
  readonly created: 0;
  readonly owned_by: string;
}

/** Every name a client may give: `auto`, rules, models that can be served (for chat or embeddings), their aliases and snapshots. */
export function listModels(policy: PolicySnapshot): ListedModel[] {
  // Names of models that nobody serves are wishes only: they are not offered.
  const served = [...policy.modelNames].filter(([, name]) => policy.models.has(name));
  const names = new Set(['auto', ...policy.rules.keys(), ...served.map(([name]) => name)]);
  return [...names].map((id) => ({
    id,
    object: 'model',
    created: 0,
    owned_by:
      policy.models.get(policy.modelNames.get(id) ?? id)?.deployments[0]?.provider ?? 'nestjs-llm-router',
  }));
}
