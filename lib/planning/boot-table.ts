import { mixedPricePer1k } from '../cost/index.js';
import type { PolicyModel, PolicyRule, PolicySnapshot, PolicySurface } from './policy-snapshot.js';
import { staticRejection } from './prove-surfaces.js';

/** A log's line has its own beginning, and a wide terminal about as many columns. */
const MAX_WIDTH = 150;

const HEADER = ['surface', 'class', 'models (primary > secondary > tertiary)', 'left out'];
const LEGEND = 'q = quality, $ per 1,000 tokens mixed 3:1; > next tier, | equals';
const DERIVED_LEGEND = '; (default): no rule is written for it';

interface Row {
  readonly surface: string;
  readonly requestClass: string;
  readonly tiers: readonly string[];
  readonly leftOut: readonly string[];
}

function describe(model: PolicyModel): string {
  const price = model.deployments[0]?.price;
  const cost = price === undefined ? 'no price' : `$${mixedPricePer1k(price).toFixed(4)}/1k`;
  return `${model.name} (q ${model.quality?.toFixed(2) ?? '-'}, ${cost})`;
}

function rowOf({
  surface,
  name,
  rules,
}: {
  surface: PolicySurface;
  name: string;
  rules: readonly PolicyRule[];
}): Row {
  const isDerived = rules.some((rule) => rule.name === name && rule.isDerived === true);
  const start = { surface: surface.name, requestClass: isDerived ? `${name} (default)` : name };
  if (surface.pin !== undefined) return { ...start, tiers: [describe(surface.pin)], leftOut: ['pinned'] };
  // A model may stand in several rules: its reason is said once.
  const leftOut = new Set<string>();
  for (const rule of rules) {
    const tiers: string[] = [];
    for (const tier of rule.tiers) {
      const serving = tier.models.filter((model) => {
        const reason = staticRejection(model, surface, rule);
        if (reason !== undefined) leftOut.add(`${model.name}: ${reason}`);
        return reason === undefined;
      });
      if (serving.length > 0) tiers.push(serving.map(describe).join(' | '));
    }
    if (tiers.length > 0) {
      const [first = '', ...others] = tiers;
      const via = rule.name === name ? '' : `[${rule.name}] `;
      return { ...start, tiers: [via + first, ...others], leftOut: [...leftOut] };
    }
  }
  return { ...start, tiers: ['nothing'], leftOut: [...leftOut] };
}

function rowsOf(surface: PolicySurface, policy: PolicySnapshot): Row[] {
  return [...policy.rulesForClass].map(([name, rules]) => rowOf({ surface, name, rules }));
}

/** What the rows of a surface say, its name apart. */
function contentOf(rows: readonly Row[]): string {
  return JSON.stringify(rows.map(({ requestClass, tiers, leftOut }) => [requestClass, tiers, leftOut]));
}

function inOneLine({ surface, requestClass, tiers, leftOut }: Row): string[][] {
  return [[surface, requestClass, tiers.join(' > '), leftOut.join(', ') || '-']];
}

/** A line for each tier, and for each model left out. */
function inSeveralLines({ surface, requestClass, tiers, leftOut }: Row): string[][] {
  return Array.from({ length: Math.max(tiers.length, leftOut.length, 1) }, (_, line) => {
    const tier = tiers[line];
    return [
      line === 0 ? surface : '',
      line === 0 ? requestClass : '',
      tier === undefined ? '' : line === 0 ? tier : `> ${tier}`,
      leftOut[line] ?? (line === 0 ? '-' : ''),
    ];
  });
}

function align(lines: readonly string[][]): string[] {
  const widths = HEADER.map((_, column) => Math.max(...lines.map((cells) => cells[column]?.length ?? 0)));
  return lines.map((cells) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/**
 * The table printed at boot: surface and class to models with price and quality, and what was left out and why. A
 * surface that differs in nothing from none at all has one line; a table too wide has a line for each tier.
 */
export function bootTable(policy: PolicySnapshot): string {
  const none = rowsOf(policy.defaultSurface, policy);
  const content = contentOf(none);
  const blocks = [...policy.surfaces.values()].map((surface) => {
    const rows = rowsOf(surface, policy);
    return { name: surface.name, rows: contentOf(rows) === content ? undefined : rows };
  });
  const tableOf = (toLines: (row: Row) => string[][]): string[] =>
    align([
      HEADER,
      ...none.flatMap(toLines),
      ...blocks.flatMap(
        ({ name, rows }) => rows?.flatMap(toLines) ?? [[name, `as ${policy.defaultSurface.name}`, '', '']],
      ),
    ]);
  const narrow = tableOf(inOneLine);
  const table = narrow.some((line) => line.length > MAX_WIDTH) ? tableOf(inSeveralLines) : narrow;
  const isAnyDerived = [...policy.rules.values()].some(({ isDerived }) => isDerived === true);
  return [...table, LEGEND + (isAnyDerived ? DERIVED_LEGEND : '')].join('\n');
}
