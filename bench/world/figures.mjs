// From what the client saw and what the upstreams got to the figures of a day.

const SLO_MS = 1_500;
const share = (part, whole) => (whole === 0 ? undefined : (100 * part) / whole);

export function sumUp(readings, calls) {
  const callsOf = new Map();
  for (const { id } of calls) callsOf.set(id, (callsOf.get(id) ?? 0) + 1);
  const stayed = readings.filter(({ verdict }) => verdict !== 'left');
  const verdicts = {};
  const details = {};
  for (const { verdict, detail } of readings) {
    verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
    if (detail !== undefined) details[`${verdict}: ${detail}`] = (details[`${verdict}: ${detail}`] ?? 0) + 1;
  }
  const chats = stayed.filter(({ streamed }) => streamed);
  const inTime = ({ firstTokenMs = Infinity }) => firstTokenMs <= SLO_MS;
  const sloOf = (some) => share(some.filter(inTime).length, some.length);
  const counts = readings.map(({ id }) => callsOf.get(id) ?? 0);
  const perRequest = (some) =>
    some.length === 0
      ? undefined
      : some.reduce((sum, { id }) => sum + (callsOf.get(id) ?? 0), 0) / some.length;
  const inFault = readings.filter((reading) => reading.inFault);
  const byProvider = {};
  for (const { provider } of calls) byProvider[provider] = (byProvider[provider] ?? 0) + 1;
  return {
    requests: readings.length,
    verdicts,
    details,
    success: share(stayed.filter(({ verdict }) => verdict === 'ok').length, stayed.length),
    slo: {
      inside: sloOf(chats.filter((chat) => chat.inFault)),
      outside: sloOf(chats.filter((chat) => !chat.inFault)),
    },
    calls: {
      byProvider,
      most: Math.max(0, ...counts),
      insideFault: perRequest(inFault),
      insideFaultStreams: perRequest(inFault.filter(({ streamed }) => streamed)),
      insideFaultWhole: perRequest(inFault.filter(({ streamed }) => !streamed)),
      all: perRequest(readings),
    },
    leftRunning: readings.reduce((sum, { leftRunning }) => sum + leftRunning, 0),
    left: verdicts.left ?? 0,
  };
}

/** What of a day is not as it is to be. */
export function misses(figures, goal) {
  const missed = [];
  const check = (isMet, what) => {
    if (!isMet) missed.push(what);
  };
  const count = (verdict) => figures.verdicts[verdict] ?? 0;
  // What is printed is what is judged: one decimal.
  check(Math.round(figures.success * 10) / 10 >= goal.success, `success ${figures.success.toFixed(1)}`);
  if (figures.slo.inside !== undefined) {
    check(Math.round(figures.slo.inside * 10) / 10 >= goal.slo, `SLO ${figures.slo.inside.toFixed(1)}`);
  }
  for (const verdict of ['hang', 'truncated', 'corrupt', 'untyped']) {
    check(count(verdict) === 0, `${verdict} ${count(verdict)}`);
  }
  check(figures.leftRunning === 0, `left running ${figures.leftRunning}`);
  check(figures.stillOpen === 0, `open at the end ${figures.stillOpen}`);
  check(figures.calls.most <= 4, `${figures.calls.most} calls for a request`);
  check((figures.calls.insideFault ?? 0) <= 1.25, `${figures.calls.insideFault?.toFixed(2)} calls a request`);
  return missed;
}

/** Several days of one kind as one: counts are added, shares weighed by their requests, the worst of the extremes. */
export function pool(all) {
  if (all.length === 1) return all[0];
  const sum = (pick) => all.reduce((total, each) => total + (pick(each) ?? 0), 0);
  const mean = (pick) => {
    const known = all.map(pick).filter((value) => value !== undefined);
    return known.length === 0 ? undefined : known.reduce((total, value) => total + value, 0) / known.length;
  };
  const counts = (pick) => {
    const total = {};
    for (const each of all) {
      for (const [key, value] of Object.entries(pick(each))) total[key] = (total[key] ?? 0) + value;
    }
    return total;
  };
  return {
    requests: sum(({ requests }) => requests),
    verdicts: counts(({ verdicts }) => verdicts),
    details: counts(({ details }) => details),
    success: mean(({ success }) => success),
    slo: { inside: mean(({ slo }) => slo.inside), outside: mean(({ slo }) => slo.outside) },
    calls: {
      byProvider: counts(({ calls }) => calls.byProvider),
      most: Math.max(...all.map(({ calls }) => calls.most)),
      insideFault: mean(({ calls }) => calls.insideFault),
      insideFaultStreams: mean(({ calls }) => calls.insideFaultStreams),
      insideFaultWhole: mean(({ calls }) => calls.insideFaultWhole),
      all: mean(({ calls }) => calls.all),
    },
    leftRunning: sum(({ leftRunning }) => leftRunning),
    left: sum(({ left }) => left),
    stillOpen: sum(({ stillOpen }) => stillOpen),
    eventLoopMs: {
      p99: Math.max(...all.map(({ eventLoopMs }) => eventLoopMs.p99)),
      max: Math.max(...all.map(({ eventLoopMs }) => eventLoopMs.max)),
    },
  };
}
