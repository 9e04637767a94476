import { mixedPricePer1k } from '../cost/index.js';
import type { PolicyModel, PolicyRule, PolicySnapshot, PolicySurface } from './policy-snapshot.js';
import { staticRejection } from './prove-surfaces.js';

function describe(model: PolicyModel): string {
  const price = model.deployments[0]?.price;
  const cost = price === undefined ? 'no price' : `$${mixedPricePer1k(price).toFixed(4)}/1k`;
  return `${model.name} (q ${model.quality?.toFixed(2) ?? '-'}, ${cost})`;
}

function row(surface: PolicySurface, requestClass: string, rules: readonly PolicyRule[]): string[] {
  if (surface.pin !== undefined) return [surface.name, requestClass, describe(surface.pin), 'pinned'];
  const leftOut: string[] = [];
  for (const rule of rules) {
    const tiers: string[] = [];
    for (const tier of rule.tiers) {
      const serving = tier.models.filter((model) => {
        const reason = staticRejection(model, surface, rule);
        if (reason !== undefined) leftOut.push(`${model.name}: ${reason}`);
        return reason === undefined;
      });
      if (serving.length > 0) tiers.push(serving.map(describe).join(' | '));
    }
    if (tiers.length > 0) {
      const via = rule.name === requestClass ? '' : `[${rule.name}] `;
      return [surface.name, requestClass, via + tiers.join(' > '), leftOut.join(', ') || '-'];
    }
  }
  return [surface.name, requestClass, 'nothing', leftOut.join(', ') || '-'];
}

/** The table printed at boot: surface and class to models with price and quality, and what was left out and why. */
export function bootTable(policy: PolicySnapshot): string {
  const header = ['surface', 'class', 'models (primary > secondary > tertiary)', 'left out'];
  const rows = [policy.defaultSurface, ...policy.surfaces.values()].flatMap((surface) =>
    [...policy.rulesForClass].map(([requestClass, rules]) => row(surface, requestClass, rules)),
  );
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((cells) => cells[column]?.length ?? 0)),
  );
  return [header, ...rows]
    .map((cells) =>
      cells
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
