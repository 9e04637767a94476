// The page of the router. It reads the router's own routes, as anybody with an admin key can, and writes text alone:
// nothing that comes from a route becomes markup.
import uPlot from './uplot.mjs';

/** The routes beside this page, wherever the application has put them. */
const routes = new URL('../', import.meta.url);
const REFRESH_MS = 2_000;
const STEPS = { '5m': '10s', '1h': '1m', '24h': '15m' };
const SECONDS = { '10s': 10, '1m': 60, '15m': 900 };
const WINDOW_SECONDS = { '5m': 300, '1h': 3_600, '24h': 86_400 };
/** Told apart also where colours are not: by their place in the legend and by their dashes. */
const STROKES = ['#0969da', '#bf3989', '#1a7f37', '#9a6700', '#8250df', '#cf222e', '#1b7c83', '#6e7781'];
const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3]];
const MAX_LINES = 8;

const byId = (id) => document.getElementById(id);

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const cell = (text, className) => element('td', className === undefined ? {} : { class: className }, text);
const number = (text) => cell(text, 'number');
const heading = (text) => element('th', { scope: 'row' }, text);
const state = (text) => element('td', {}, element('span', { class: 'state' }, text));

/** What is shown where there is nothing to show. */
const NONE = '–';
const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const time = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const share = (value) => (value === null || value === undefined ? NONE : `${(value * 100).toFixed(1)} %`);
const milliseconds = (value) => {
  if (value === null || value === undefined) return NONE;
  return value < 1_000 ? `${whole.format(value)} ms` : `${(value / 1_000).toFixed(2)} s`;
};
const dollars = (value) => {
  if (value === null || value === undefined) return NONE;
  return `$${value !== 0 && Math.abs(value) < 0.1 ? value.toPrecision(2) : value.toFixed(2)}`;
};
const clock = (iso) => (iso === null || iso === undefined ? NONE : time.format(new Date(iso)));

async function read(path, init) {
  const response = await fetch(new URL(path, routes), { cache: 'no-store', ...init });
  const body = await response.json();
  if (!response.ok) throw new Error(body?.error?.message ?? `The router answered with ${response.status}.`);
  return body;
}

/** Rows are replaced only where something has changed: whoever has put the focus into one keeps it. */
function fill(table, rows) {
  const body = byId(table).tBodies[0];
  const wanted = rows.map((row) => row.outerHTML).join('');
  if (body.dataset.shown === wanted) return;
  const focused = body.contains(document.activeElement) ? document.activeElement.id : '';
  body.dataset.shown = wanted;
  body.replaceChildren(...rows);
  if (focused !== '') byId(focused)?.focus();
}

function showProviders({ providers, surfaces }) {
  const live = (name, one, isPart) => {
    const row = element('tr', { 'data-state': one.state, 'data-name': name });
    if (isPart) row.classList.add('part');
    row.append(
      heading(name),
      state(one.state),
      cell(one.breaker.replace('_', ' ')),
      number(whole.format(one.inFlight)),
      number(whole.format(one.recentCalls)),
      number(one.recentCalls === 0 ? NONE : share(one.recentErrorRate)),
      number(milliseconds(one.p95LatencyMs)),
      number(milliseconds(one.p95TimeToFirstTokenMs)),
      cell(one.trouble ?? ''),
    );
    return row;
  };
  fill(
    'providers',
    providers.flatMap((provider) => [
      live(provider.name, provider, false),
      ...provider.deployments.map((deployment) => live(deployment.model, deployment, true)),
    ]),
  );
  fill(
    'surfaces',
    surfaces.map((surface) => {
      const row = element('tr', { 'data-state': surface.state });
      row.append(
        heading(surface.name),
        state(surface.state),
        number(whole.format(surface.recentRequests)),
        number(surface.recentRequests === 0 ? NONE : share(surface.recentErrorRate)),
        number(milliseconds(surface.p95LatencyMs ?? surface.p95TimeToFirstTokenMs)),
        number(milliseconds(surface.latencySloMs)),
        cell(surface.trouble ?? ''),
      );
      return row;
    }),
  );
  const select = byId('surface');
  const known = [...select.options].map(({ value }) => value).join('\n');
  const names = ['', ...surfaces.map(({ name }) => name)];
  if (known === names.join('\n')) return;
  const chosen = select.value;
  select.replaceChildren(
    ...names.map((name) => element('option', { value: name }, name === '' ? 'none' : name)),
  );
  select.value = names.includes(chosen) ? chosen : '';
}

function showFigures(total) {
  const figures = [
    ['Requests', whole.format(total.requests)],
    ['Error rate', share(total.errorRate)],
    ['p50', milliseconds(total.latencyMs?.p50)],
    ['p95', milliseconds(total.latencyMs?.p95)],
    ['p99', milliseconds(total.latencyMs?.p99)],
    ['p95 first token', milliseconds(total.timeToFirstTokenMs?.p95)],
    ['Fell back', share(total.fallbackRate)],
    ['In flight', total.inFlight === null ? NONE : whole.format(total.inFlight)],
    ['Cost', dollars(total.costUsd)],
    ['Quality', total.quality === null ? NONE : total.quality.score.toFixed(2)],
  ];
  byId('figures').replaceChildren(
    ...figures.map(([name, value]) => element('div', {}, element('dt', {}, name), element('dd', {}, value))),
  );
}

function showModels({ rows }) {
  fill(
    'models',
    rows.map((row) => {
      const made = element('tr');
      made.append(
        heading(row.model),
        number(whole.format(row.requests)),
        number(share(row.requestShare)),
        number(row.attempts.total === 0 ? NONE : share(row.attempts.errorRate)),
        number(milliseconds(row.latencyMs?.p50)),
        number(milliseconds(row.latencyMs?.p95)),
        number(milliseconds(row.latencyMs?.p99)),
        number(milliseconds(row.timeToFirstTokenMs?.p95)),
        number(dollars(row.costUsd)),
        number(row.quality === null ? NONE : row.quality.score.toFixed(2)),
      );
      return made;
    }),
  );
}

const charts = new Map();

function draw(id, names, data) {
  const place = byId(id);
  const width = Math.max(place.clientWidth, 260);
  const styles = getComputedStyle(document.documentElement);
  const ink = styles.getPropertyValue('--muted').trim();
  const line = styles.getPropertyValue('--line').trim();
  const key = `${names.join('\n')}\n${ink}`;
  const known = charts.get(id);
  if (known?.key === key) {
    if (known.chart.width !== width) known.chart.setSize({ width, height: 220 });
    known.chart.setData(data);
    return;
  }
  known?.chart.destroy();
  const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line } };
  const chart = new uPlot(
    {
      width,
      height: 220,
      scales: { y: { range: (_chart, _low, high) => [0, Math.max(high ?? 0, 0.001) * 1.1] } },
      axes: [axis, { ...axis, size: 56 }],
      series: [
        {},
        ...names.map((name, index) => ({
          label: name,
          stroke: STROKES[index % STROKES.length],
          dash: DASHES[Math.floor(index / 2) % DASHES.length],
          width: 2,
          spanGaps: true,
          points: { show: data[0].length < 80, size: 4 },
          value: (_chart, value) => (value === null || value === undefined ? NONE : value.toPrecision(3)),
        })),
      ],
    },
    data,
    place,
  );
  charts.set(id, { key, chart });
}

function showCharts({ series = [], to }, windowName) {
  const step = SECONDS[STEPS[windowName]];
  const end = Math.ceil(new Date(to).getTime() / 1_000 / step) * step;
  const begin = end - WINDOW_SECONDS[windowName];
  const times = [];
  for (let at = begin; at < end; at += step) times.push(at);
  const shown = series.filter(({ model }) => model !== 'none').slice(0, MAX_LINES);
  const names = shown.map(({ model }) => model);
  const columns = (valueOf, missing) =>
    shown.map(({ points }) => {
      const values = new Map(
        points.map((point) => [Math.floor(new Date(point.from).getTime() / 1_000 / step) * step, point]),
      );
      return times.map((at) => (values.has(at) ? valueOf(values.get(at)) : missing));
    });
  draw('requests-chart', names, [times, ...columns((point) => (point.requests * 60) / step, 0)]);
  draw('latency-chart', names, [
    times,
    ...columns((point) => (point.latencyMs === null ? null : point.latencyMs.p95 / 1_000), null),
  ]);
}

function showCost(savings) {
  const { baseline, spentUsd, baselineUsd, savedUsd, savedShare, notes } = savings;
  const summary =
    baselineUsd === null
      ? `Spent ${dollars(spentUsd)} since ${clock(savings.since)}.`
      : `Spent ${dollars(spentUsd)} since ${clock(savings.since)}; ${baseline} would have cost ${dollars(baselineUsd)}: saved ${dollars(savedUsd)} (${share(savedShare)}).`;
  byId('cost-summary').textContent = [summary, ...notes].join(' ');
  fill(
    'cost',
    Object.entries(savings.surfaces).map(([name, one]) => {
      const row = element('tr');
      const hasBaseline = one.baselineUsd !== null && one.baselineUsd > 0;
      const ratio = hasBaseline ? one.spentUsd / one.baselineUsd : null;
      row.append(
        heading(name),
        number(whole.format(one.requests)),
        number(dollars(one.spentUsd)),
        number(dollars(one.baselineUsd)),
        number(dollars(one.savedUsd)),
        ratio === null
          ? cell(NONE)
          : element(
              'td',
              {},
              element('meter', {
                min: '0',
                max: '1',
                value: String(Math.min(ratio, 1)),
                'aria-label': `Spent by ${name}`,
              }),
              ` ${share(ratio)}`,
            ),
      );
      return row;
    }),
  );
}

function alertLine(alert) {
  const subject = Object.entries(alert.subject)
    .map(([kind, name]) => `${kind} ${name}`)
    .join(', ');
  const until = alert.clearedAt === null ? '' : ` until ${clock(alert.clearedAt)}`;
  const severity = alert.severity ?? 'warning';
  return element(
    'li',
    { 'data-state': severity },
    element('span', { class: 'state' }, severity),
    ` ${alert.kind.replaceAll('_', ' ')}, ${subject}, since ${clock(alert.since)}${until}${alert.message === undefined ? '' : `: ${alert.message}`}`,
  );
}

function showAlerts({ enabled, active, recent }) {
  const list = byId('alerts');
  const lines =
    active.length > 0
      ? active.map(alertLine)
      : [element('li', {}, enabled ? 'None stands.' : 'Not watched: alerts.enabled is off.')];
  const wanted = lines.map(({ outerHTML }) => outerHTML).join('');
  // It is read aloud where it changes.
  if (list.dataset.shown !== wanted) {
    list.dataset.shown = wanted;
    list.replaceChildren(...lines);
  }
  byId('alerts-cleared').replaceChildren(...recent.slice(0, 20).map(alertLine));
}

function showDecisions({ decisions }) {
  fill(
    'decisions',
    decisions.map((decision) => {
      const row = element('tr', { 'data-state': decision.outcome });
      const id = decision.decisionId;
      row.append(
        heading(clock(decision.startedAt)),
        cell(decision.surface),
        cell(decision.requestClass),
        cell(decision.servedBy?.model ?? NONE),
        state(decision.errorCode ?? decision.outcome),
        number(whole.format(decision.attempts)),
        number(milliseconds(decision.durationMs)),
        number(dollars(decision.costUsd)),
        element(
          'td',
          {},
          element(
            'button',
            { type: 'button', id: `why-${id}`, 'data-decision': id, 'aria-label': `Why ${id}` },
            'Why',
          ),
        ),
      );
      return row;
    }),
  );
}

async function showDecision(id) {
  const place = byId('decision');
  byId('decision-id').textContent = id;
  try {
    const decision = await read(`decisions/${encodeURIComponent(id)}`);
    byId('decision-text').textContent = describeDecision(decision);
  } catch (error) {
    byId('decision-text').textContent = error.message;
  }
  place.hidden = false;
  place.focus();
}

function describeDecision({ explanation, escalations, attempts, ...rest }) {
  const calls = attempts.map(
    (call) =>
      `call ${call.attempt}: ${call.model} at ${call.provider} (${call.tier}), ${call.outcome}` +
      `${call.errorKind ? ` ${call.errorKind}` : ''}, ${milliseconds(call.durationMs)}, ${dollars(call.costUsd)}` +
      `${call.reportedModel ? `, it says ${call.reportedModel}` : ''}`,
  );
  const outcome = `outcome: ${rest.outcome}${rest.errorCode ? ` (${rest.errorCode})` : ''}`;
  const plans = [explanation, ...escalations].flatMap((plan) => (plan === null ? [] : [plan.text, '']));
  return [...plans, ...calls, outcome].join('\n').trim();
}

let isPaused = false;
let underWay = false;

async function refresh() {
  if (underWay || document.hidden) return;
  underWay = true;
  try {
    const windowName = byId('window').value;
    const [live, now, models, savings, alerts, decisions] = await Promise.all([
      read('ui/state'),
      read('kpis?window=5m'),
      read(`kpis?window=${windowName}&by=model&step=${STEPS[windowName]}`),
      read('savings'),
      read('alerts'),
      read('decisions?limit=20'),
    ]);
    showProviders(live);
    showFigures(now.total);
    showModels(models);
    showCharts(models, windowName);
    showCost(savings);
    showAlerts(alerts);
    showDecisions(decisions);
    byId('policy').textContent = live.policyHash;
    byId('updated').textContent = `as of ${clock(live.at)}`;
    byId('problem').textContent = '';
  } catch (error) {
    byId('problem').textContent = `Not up to date: ${error.message}`;
  } finally {
    underWay = false;
  }
}

byId('pause').addEventListener('click', ({ currentTarget }) => {
  isPaused = !isPaused;
  currentTarget.setAttribute('aria-pressed', String(isPaused));
});
byId('window').addEventListener('change', () => void refresh());
byId('decisions').addEventListener('click', ({ target }) => {
  const id = target.closest('button')?.dataset.decision;
  if (id !== undefined) void showDecision(id);
});
byId('explain').addEventListener('submit', async (event) => {
  event.preventDefault();
  const place = byId('explanation');
  const surface = byId('surface').value;
  place.textContent = '…';
  try {
    const { text } = await read('explain', {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(surface === '' ? {} : { 'x-llm-surface': surface }),
      },
      body: JSON.stringify({
        model: 'auto',
        stream: byId('streamed').checked,
        messages: [{ role: 'user', content: byId('prompt').value }],
      }),
    });
    place.textContent = text;
  } catch (error) {
    place.textContent = error.message;
  }
});
window.addEventListener('resize', () => void refresh());
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => void refresh());
document.addEventListener('visibilitychange', () => void refresh());
setInterval(() => {
  if (!isPaused) void refresh();
}, REFRESH_MS);
void refresh();
