import { isEmbeddingModel } from '../catalog/index.js';
import { isWithinPrice, mixedPricePer1k } from '../cost/index.js';
import { regionFilter } from './eligibility/region.filter.js';
import { retentionFilter } from './eligibility/retention.filter.js';
import type { PolicyModel, PolicyRule, PolicySurface } from './policy-snapshot.js';
import type { ProofNotes } from './proof-notes.js';
import { qualityUnderRule } from './quality-under-rule.js';

/** Why a model can never serve a surface under a rule, or undefined where it can. */
export function staticRejection(
  model: PolicyModel,
  surface: PolicySurface,
  rule: PolicyRule | undefined,
): string | undefined {
  if (surface.pin !== undefined && surface.pin.name !== model.name) return `pinned to ${surface.pin.name}`;
  if (model.capabilities !== undefined && isEmbeddingModel(model.capabilities)) return 'makes embeddings';
  if (surface.qualityFloor !== undefined) {
    const quality = qualityUnderRule(model, rule);
    if (quality === undefined) return 'unrated';
    if (quality < surface.qualityFloor) return `quality ${quality.toFixed(2)}`;
  }
  if (surface.safetyFloor !== undefined) {
    if (model.safety === undefined) return 'no safety rating';
    if (model.safety < surface.safetyFloor) return `safety ${model.safety.toFixed(2)}`;
  }
  const cap = rule?.maxCostPer1k;
  const isAffordable = model.deployments.some(
    ({ price }) => cap === undefined || (price !== undefined && isWithinPrice(mixedPricePer1k(price), cap)),
  );
  if (!isAffordable) return 'over the price cap';
  // Of one model some deployments may be where the surface allows, and others not.
  const outside = model.deployments.map(
    (deployment) =>
      regionFilter.check(deployment, { surface, rule }) ??
      retentionFilter.check(deployment, { surface, rule }),
  );
  return outside.every((reason) => reason !== undefined) ? outside[0] : undefined;
}

function modelsOf(rule: PolicyRule): readonly PolicyModel[] {
  return rule.tiers.flatMap((tier) => tier.models);
}

function serves(rule: PolicyRule, surface: PolicySurface): boolean {
  return modelsOf(rule).some((model) => staticRejection(model, surface, rule) === undefined);
}

/** Whether some model may serve the surface at all, whatever its state. */
export function isServable(
  surface: PolicySurface,
  rulesForClass: ReadonlyMap<string, readonly PolicyRule[]>,
): boolean {
  if (surface.pin !== undefined) return staticRejection(surface.pin, surface, undefined) === undefined;
  return [...rulesForClass.values()].flat().some((rule) => serves(rule, surface));
}

/** The floors of a surface that nothing serves, each with the best there is. */
export function describeShortfall(
  surface: PolicySurface,
  rulesForClass: ReadonlyMap<string, readonly PolicyRule[]>,
): string {
  const models =
    surface.pin === undefined ? [...rulesForClass.values()].flat().flatMap(modelsOf) : [surface.pin];
  const isElsewhere =
    models.length > 0 && (surface.regions !== undefined || surface.retentionDays !== undefined);
  const places = isElsewhere
    ? models.flatMap((model) => {
        const reason = staticRejection(model, surface, undefined);
        return reason === undefined ? [] : [`${model.name} ${reason}`];
      })
    : [];
  const floors = (['quality', 'safety'] as const).flatMap((kind) => {
    const floor = surface[`${kind}Floor`];
    if (floor === undefined) return [];
    const [best] = models
      .filter((model) => model[kind] !== undefined)
      .toSorted((first, second) => (second[kind] ?? 0) - (first[kind] ?? 0));
    const text =
      best === undefined ? 'none has a rating' : `the best is ${best.name} with ${best[kind] ?? 0}`;
    return [`${kind}Floor ${floor}, and ${text}`];
  });
  return [...floors, ...new Set(places)].join('; ');
}

/** Refuses a surface no model can serve; warns of unrated models that its floors leave out, with the line to add. */
export function proveSurfaces(
  surfaces: ReadonlyMap<string, PolicySurface>,
  rulesForClass: ReadonlyMap<string, readonly PolicyRule[]>,
  areRulesKnown: boolean,
  notes: ProofNotes,
): void {
  for (const surface of surfaces.values()) {
    const path = `surfaces.${surface.name}`;
    // On top of an error in the rules or in the surface, that it is not served would only hide the cause.
    const isProvable =
      areRulesKnown &&
      !notes.errors.some((error) => error.path === path || error.path.startsWith(`${path}.`));
    if (surface.pin !== undefined) {
      const reason = staticRejection(surface.pin, surface, undefined);
      if (reason !== undefined)
        notes.error(path, `its pinned model ${surface.pin.name} fails its own floor (${reason})`);
      continue;
    }
    const unrated = { quality: new Set<string>(), safety: new Set<string>() };
    const unserved = [...rulesForClass].filter(([, rules]) => !rules.some((rule) => serves(rule, surface)));
    for (const rule of new Set([...rulesForClass.values()].flat())) {
      for (const model of modelsOf(rule)) {
        if (surface.qualityFloor !== undefined && qualityUnderRule(model, rule) === undefined)
          unrated.quality.add(model.name);
        if (surface.safetyFloor !== undefined && model.safety === undefined) unrated.safety.add(model.name);
      }
    }
    const lines = (['quality', 'safety'] as const).flatMap((kind) =>
      [...unrated[kind]].map((name) => `models.${name}.${kind}: <0 to 1>`),
    );
    if (unserved.length === rulesForClass.size && isProvable) {
      notes.error(
        path,
        `no model of any rule is over its floors: ${describeShortfall(surface, rulesForClass)}${lines.length > 0 ? `; rate the models yourself by adding ${lines.join(', ')}` : ''}`,
      );
      continue;
    }
    if (lines.length > 0) {
      notes.warn(path, `unrated models never serve it; add ${lines.join(', ')} to let them`);
    }
    for (const [requestClass] of isProvable ? unserved : []) {
      notes.warn(
        path,
        `no model over its floors serves the class ${requestClass}: such requests are refused`,
      );
    }
  }
}
