// Error rates on a clock of its own, through the alert store of the router: what is counted is whole records on its bus.

/** Requests of one window, spread over it evenly. */
export const REQUESTS_PER_WINDOW = 1_000;
export const WINDOW_MS = 300_000;
const WEEK_WINDOWS = (7 * 24 * 3_600_000) / WINDOW_MS;
/** The store looks once a second; here after each batch of requests, which is oftener than any of its counts can change much. */
const BATCHES = 100;
const BATCH = REQUESTS_PER_WINDOW / BATCHES;
/** Of a week, in a window: two a slice. */
const LOOKS = 20;

/** Mulberry32. */
function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const OPTIONS = {
  providers: { one: { api: 'openai', baseUrl: 'http://127.0.0.1:1/v1' } },
  models: { alpha: { provider: 'one', price: { inputPer1M: 1, outputPer1M: 2 } } },
  routingRules: { simple_queries: { primary: 'alpha' } },
};

/** Once: it is the same for every seed. */
let compiled;

/**
 * One deployment under the default options.
 *
 * @param parts `{ AlertStore, TelemetryBus, compileOptions }`: the router's own, from its build or its sources.
 */
export function createWorld(parts, seed) {
  compiled ??= parts.compileOptions(OPTIONS, {});
  const { policy, configuration } = compiled;
  const bus = new parts.TelemetryBus();
  const clock = { nowMs: 1_700_000_000_000 };
  const store = new parts.AlertStore(bus, policy, configuration.alerts, () => clock.nowMs);
  const random = seeded(seed);
  const raised = [];
  bus.on('alert-raised', (alert) => raised.push({ kind: alert.kind, atMs: clock.nowMs }));
  const call = { deployment: 'one/alpha', model: 'alpha', provider: 'one', reportedModel: undefined };
  const good = { ...call, outcome: 'succeeded' };
  const bad = { ...call, outcome: 'failed' };
  return {
    raised,
    /** One batch of requests. */
    step(errorRate) {
      for (let request = 0; request < BATCH; request += 1) {
        clock.nowMs += WINDOW_MS / REQUESTS_PER_WINDOW;
        bus.emit('attempt-ended', random() < errorRate ? bad : good);
      }
      store.report();
    },
    get nowMs() {
      return clock.nowMs;
    },
    close: () => store.close(),
  };
}

/** A deployment at 1 % that from some moment on fails at `errorRate`: the windows until the alert, or undefined. */
export function windowsUntilAlert(parts, seed, errorRate, mostWindows = 2) {
  const world = createWorld(parts, seed);
  // The fault begins anywhere in a window, and not always where a slice does.
  for (let batch = 0; batch < 2 * BATCHES + (seed % BATCHES); batch += 1) world.step(0.01);
  // One of the quiet time before would be no sign of the fault.
  world.raised.length = 0;
  const beganMs = world.nowMs;
  for (let batch = 0; batch < mostWindows * BATCHES && world.raised.length === 0; batch += 1) {
    world.step(errorRate);
  }
  world.close();
  const [alert] = world.raised;
  return alert === undefined ? undefined : (alert.atMs - beganMs) / WINDOW_MS;
}

/**
 * How often a steady share raises the alert in a week: the router's own watch over its own counts, into which calls come by
 * the slice half, drawn at once, so that a thousand weeks take seconds.
 */
export function alertsInWeek({ EndCounts, RateWatch }, seed, errorRate, settings) {
  const counts = new EndCounts(settings.windowMs, settings.slowWindowMs);
  const watch = new RateWatch('errors', { deployment: 'one/alpha' }, counts, () => settings);
  const calls = REQUESTS_PER_WINDOW / LOOKS;
  const draw = binomialOf(calls, errorRate, seeded(seed));
  let nowMs = 1_700_000_000_000;
  let isOpen = false;
  let raised = 0;
  for (let look = 0; look < WEEK_WINDOWS * LOOKS; look += 1) {
    nowMs += settings.windowMs / LOOKS;
    const bad = draw();
    if (bad > 0) counts.add(nowMs, 'failed', bad);
    counts.add(nowMs, 'good', calls - bad);
    const { state } = watch.look(nowMs, isOpen);
    if (state === 'well') isOpen = false;
    else if (state !== 'standing' && !isOpen) {
      isOpen = true;
      raised += 1;
    }
  }
  return raised;
}

/** By inversion, from a table. */
function binomialOf(count, share, random) {
  const cumulative = [];
  let chance = (1 - share) ** count;
  let sum = chance;
  for (let bad = 0; bad <= count; bad += 1) {
    cumulative.push(sum);
    chance *= ((count - bad) / (bad + 1)) * (share / (1 - share));
    sum += chance;
  }
  return () => {
    const drawn = random();
    let bad = 0;
    while (bad < count && drawn >= cumulative[bad]) bad += 1;
    return bad;
  };
}

export function percentile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
}

/** Both figures over so many seeds. */
export function measure(parts, seeds) {
  const windows = [];
  let missed = 0;
  for (let seed = 1; seed <= seeds; seed += 1) {
    const found = windowsUntilAlert(parts, seed, 0.04);
    if (found === undefined) missed += 1;
    else windows.push(found);
  }
  windows.sort((first, second) => first - second);
  const weeks = [];
  const settings = parts.readAlertSettings(parts.compileOptions(OPTIONS, {}).configuration.alerts);
  for (let seed = 1; seed <= seeds; seed += 1) {
    weeks.push(alertsInWeek(parts, seed, 0.01, settings));
  }
  return {
    seeds,
    detected: windows.length,
    missed,
    medianWindows: percentile(windows, 0.5),
    p99Windows: percentile(windows, 0.99),
    mostInWeek: Math.max(...weeks),
    weeksWithAlert: weeks.filter((raised) => raised > 0).length,
  };
}
