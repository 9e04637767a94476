// How the world is printed.

const percent = (value) => (value === undefined ? '–' : value.toFixed(1));
const two = (value) => (value === undefined ? '–' : value.toFixed(2));

const COLUMNS = [
  ['day', -15, ({ name, loop }) => (loop ? `  loop: ${name}` : name)],
  ['requests', 9, ({ figures }) => figures.requests],
  [
    'success %',
    14,
    ({ figures, day, loop }) => `${percent(figures.success)}${loop ? '' : ` (${day.goal.success})`}`,
  ],
  [
    'SLO in fault %',
    16,
    ({ figures, day, loop }) => `${percent(figures.slo.inside)}${loop ? '' : ` (${day.goal.slo})`}`,
  ],
  ['outside', 9, ({ figures }) => percent(figures.slo.outside)],
  ['typed', 7, ({ figures }) => figures.verdicts.failed ?? 0],
  ['hang', 6, ({ figures }) => figures.verdicts.hang ?? 0],
  ['trunc', 7, ({ figures }) => figures.verdicts.truncated ?? 0],
  ['corrupt', 9, ({ figures }) => figures.verdicts.corrupt ?? 0],
  ['untyped', 9, ({ figures }) => figures.verdicts.untyped ?? 0],
  ['running', 9, ({ figures }) => figures.leftRunning + figures.stillOpen],
  [
    'calls in fault',
    16,
    ({ figures: { calls } }) =>
      `${two(calls.insideFault)} (${two(calls.insideFaultStreams)}/${two(calls.insideFaultWhole)})`,
  ],
  ['most', 6, ({ figures }) => figures.calls.most],
  [
    'loop p99/max',
    14,
    ({ figures: { eventLoopMs } }) => `${eventLoopMs.p99.toFixed(0)}/${eventLoopMs.max.toFixed(0)} ms`,
  ],
  [
    'verdict',
    -1,
    ({ missed, loop }) => (loop ? '' : `  ${missed.length === 0 ? 'met' : `NOT met: ${missed.join(', ')}`}`),
  ],
];

const pad = (text, width) => (width < 0 ? String(text).padEnd(-width) : String(text).padStart(width));

export function printHead({ shape, seconds, seed, seeds, whole, cpus, load }) {
  process.stdout.write(
    `${seconds} s a day, trouble in the middle third; shape ${shape}, whole answers on the ${whole === 'chat' ? 'chat surface' : 'surface of their own'}; ` +
      `seeds ${seed} to ${Number(seed) + Number(seeds) - 1}; ${cpus} processors, load ${load.toFixed(1)}\n` +
      `in brackets: the goal; calls in fault: all (streams/whole)\n\n`,
  );
  process.stdout.write(
    `${COLUMNS.map(([head, width]) => pad(head === 'verdict' ? '  verdict' : head, width)).join('')}\n`,
  );
}

export function printDay(row) {
  process.stdout.write(`${COLUMNS.map(([, width, cell]) => pad(cell(row), width)).join('')}\n`);
  const { details, abortsMs, calls } = row.figures;
  const shares = Object.entries(calls.byProvider).map(([name, count]) => `${name} ${count}`);
  process.stdout.write(`                 calls: ${shares.join(', ')}\n`);
  if (abortsMs.count > 0) {
    process.stdout.write(
      `                 calls ended after their client left: median ${abortsMs.median.toFixed(0)} ms, at most ${abortsMs.max.toFixed(0)} ms (${abortsMs.count})\n`,
    );
  }
  for (const [what, count] of Object.entries(details))
    process.stdout.write(`                 ${count} × ${what}\n`);
}
