// The table, and whether what is to be reached was reached.
import { difference, interval } from './figures.mjs';

const MEASURES = ['slo', 'success', 'cost'];

function valuesOf(results, strategy, day, measure) {
  return results.filter((one) => one.strategy === strategy && one.day === day).map((one) => one[measure]);
}

/** Of each seed the mean over the days. */
function meansOf(results, strategy, days, measure) {
  const byDay = days.map((day) => valuesOf(results, strategy, day, measure));
  return byDay[0].map((_, seed) => byDay.reduce((sum, values) => sum + values[seed], 0) / days.length);
}

/**
 * Not below the best of the others on any day, for the SLO and for success; above all of them over the days; not dearer
 * than static priority. A day is lost where the interval of the difference, seed by seed, lies wholly on the wrong side.
 */
export function judge(results, days, others) {
  const lines = [];
  const add = (what, isMet, { mean, half }, unit) => lines.push({ what, isMet, mean, half, unit });
  for (const day of days) {
    for (const measure of ['slo', 'success']) {
      const ours = valuesOf(results, 'ours', day, measure);
      const [best] = others
        .map((name) => ({ name, values: valuesOf(results, name, day, measure) }))
        .sort((first, second) => interval(second.values).mean - interval(first.values).mean);
      const found = difference(ours, best.values);
      add(
        `${day}: ${measure} not below the best other (${best.name})`,
        found.mean + found.half >= 0,
        found,
        'points',
      );
    }
    if (others.includes('static priority')) {
      const found = difference(
        valuesOf(results, 'ours', day, 'cost'),
        valuesOf(results, 'static priority', day, 'cost'),
      );
      add(`${day}: cost not above static priority`, found.mean - found.half <= 0, found, '$');
    }
  }
  for (const measure of ['slo', 'success']) {
    for (const name of others) {
      const found = difference(
        meansOf(results, 'ours', days, measure),
        meansOf(results, name, days, measure),
      );
      const isMet = measure === 'slo' ? found.mean - found.half > 0 : found.mean + found.half >= 0;
      add(
        `all days: ${measure} ${measure === 'slo' ? 'above' : 'not below'} ${name}`,
        isMet,
        found,
        'points',
      );
    }
  }
  if (others.includes('static priority')) {
    const found = difference(
      meansOf(results, 'ours', days, 'cost'),
      meansOf(results, 'static priority', days, 'cost'),
    );
    add('all days: cost not above static priority', found.mean - found.half <= 0, found, '$');
  }
  const violations = results.reduce((sum, one) => sum + one.violations, 0);
  return { isMet: violations === 0 && lines.every(({ isMet }) => isMet), violations, lines };
}

const number = (value, digits) => value.toFixed(digits);
const cell = ({ mean, half }, digits) => `${number(mean, digits)} ±${number(half, digits)}`;

export function print({ results, days, names, verdict, seeds, shape, prices, what }) {
  const out = (line) => process.stdout.write(`${line}\n`);
  out(`${seeds.length} seeds, shape ${shape}, prices ${prices}; mean ± half of the 95 % interval`);
  for (const day of [...days, 'all days']) {
    out(`\n${day}${what[day] === undefined ? '' : `: ${what[day].what}`}`);
    out(
      `${''.padEnd(18)}${'SLO kept %'.padStart(18)}${'success %'.padStart(18)}${'cost $'.padStart(20)}  calls/req   p95 ms  shares %`,
    );
    for (const name of names) {
      const of = (measure) =>
        day === 'all days' ? meansOf(results, name, days, measure) : valuesOf(results, name, day, measure);
      const [slo, success, cost] = MEASURES.map((measure) => interval(of(measure)));
      const some = results.filter((one) => one.strategy === name && (day === 'all days' || one.day === day));
      const deployments = [...new Set(some.flatMap(({ shares }) => Object.keys(shares)))].sort();
      const shares = deployments.map((id) => {
        const mean = some.reduce((sum, one) => sum + (one.shares[id] ?? 0), 0) / some.length;
        return `${id} ${number(100 * mean, 0)}`;
      });
      out(
        `  ${name.padEnd(16)}${cell(slo, 3).padStart(18)}${cell(success, 3).padStart(18)}${cell(cost, 4).padStart(20)}` +
          `${number(interval(of('calls')).mean, 3).padStart(11)}${number(interval(of('p95Ms')).mean, 0).padStart(9)}  ${shares.join(', ')}`,
      );
    }
  }
  out(`\nto be reached (difference of ours, seed by seed):`);
  for (const { what: sentence, isMet, mean, half, unit } of verdict.lines) {
    const sign = mean < 0 ? '' : '+';
    out(
      `  ${isMet ? 'met    ' : 'NOT met'}  ${sentence}: ${sign}${number(mean, 3)} ±${number(half, 3)} ${unit}`,
    );
  }
  out(`  ${verdict.violations === 0 ? 'met    ' : 'NOT met'}  no floor violated: ${verdict.violations}`);
}
