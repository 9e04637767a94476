// From what the client saw and what the upstreams got to the figures of a day.

const SLO_MS = 1_500;
const share = (part, whole) => (whole === 0 ? undefined : (100 * part) / whole);

function countBy(list, keyOf) {
  const counts = {};
  for (const one of list) {
    const key = keyOf(one);
    if (key !== undefined) counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

/**
 * @param {(import('./day.mjs').Request & import('./strict-client.mjs').Reading & { leftRunning: number })[]} readings
 * @param {{ id: string, provider: string }[]} sent every call of a provider, whether anybody listened or not
 * @param {import('./call-log.mjs').Call[]} arrived
 */
export function sumUp(readings, sent, arrived) {
  const callsOf = countBy(sent, ({ id }) => id);
  const perRequest = (some) =>
    some.length === 0 ? undefined : some.reduce((sum, { id }) => sum + (callsOf[id] ?? 0), 0) / some.length;
  const stayed = readings.filter(({ verdict }) => verdict !== 'left');
  const left = readings.filter(({ verdict }) => verdict === 'left');
  const chats = stayed.filter(({ streamed }) => streamed);
  const inTime = ({ firstTokenMs = Infinity }) => firstTokenMs <= SLO_MS;
  const sloOf = (some) => share(some.filter(inTime).length, some.length);
  const inFault = readings.filter((reading) => reading.inFault);
  const leftAt = new Map(left.map(({ id, startedAt, endMs }) => [id, startedAt + endMs]));
  const abortsMs = arrived
    .filter(({ id, closedAt = Infinity }) => closedAt >= leftAt.get(id))
    .map(({ id, closedAt }) => closedAt - leftAt.get(id))
    .sort((first, second) => first - second);
  return {
    requests: readings.length,
    verdicts: countBy(readings, ({ verdict }) => verdict),
    details: countBy(readings, ({ verdict, detail }) =>
      detail === undefined ? undefined : `${verdict}: ${detail}`,
    ),
    success: share(stayed.filter(({ verdict }) => verdict === 'ok').length, stayed.length),
    slo: {
      chats: chats.filter((chat) => chat.inFault).length,
      inside: sloOf(chats.filter((chat) => chat.inFault)),
      outside: sloOf(chats.filter((chat) => !chat.inFault)),
    },
    calls: {
      byProvider: countBy(sent, ({ provider }) => provider),
      most: Math.max(0, ...Object.values(callsOf)),
      insideFault: perRequest(inFault),
      insideFaultStreams: perRequest(inFault.filter(({ streamed }) => streamed)),
      insideFaultWhole: perRequest(inFault.filter(({ streamed }) => !streamed)),
      all: perRequest(readings),
    },
    leftRunning: readings.reduce((sum, { leftRunning }) => sum + leftRunning, 0),
    stillOpen: arrived.filter(({ isOpen }) => isOpen).length,
    abortsMs: {
      count: abortsMs.length,
      median: abortsMs[Math.floor(abortsMs.length / 2)] ?? 0,
      max: abortsMs.at(-1) ?? 0,
    },
  };
}

/**
 * What of a day is not as it is to be.
 *
 * @param {number} forgiven so many requests may miss a share's goal beside: a short day has too few to tell 98 from 99 %
 */
export function misses(figures, goal, forgiven = 0) {
  const missed = [];
  const check = (isMet, what) => {
    if (!isMet) missed.push(what);
  };
  const count = (verdict) => figures.verdicts[verdict] ?? 0;
  // What is printed is what is judged: one decimal.
  const reaches = (value, wanted, of) => Math.round(value * 10) / 10 + (100 * forgiven) / of >= wanted;
  check(reaches(figures.success, goal.success, figures.requests), `success ${figures.success.toFixed(1)}`);
  if (figures.slo.inside !== undefined) {
    check(reaches(figures.slo.inside, goal.slo, figures.slo.chats), `SLO ${figures.slo.inside.toFixed(1)}`);
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
    slo: {
      chats: sum(({ slo }) => slo.chats),
      inside: mean(({ slo }) => slo.inside),
      outside: mean(({ slo }) => slo.outside),
    },
    calls: {
      byProvider: counts(({ calls }) => calls.byProvider),
      most: Math.max(...all.map(({ calls }) => calls.most)),
      insideFault: mean(({ calls }) => calls.insideFault),
      insideFaultStreams: mean(({ calls }) => calls.insideFaultStreams),
      insideFaultWhole: mean(({ calls }) => calls.insideFaultWhole),
      all: mean(({ calls }) => calls.all),
    },
    leftRunning: sum(({ leftRunning }) => leftRunning),
    stillOpen: sum(({ stillOpen }) => stillOpen),
    abortsMs: {
      count: sum(({ abortsMs }) => abortsMs.count),
      median: Math.max(...all.map(({ abortsMs }) => abortsMs.median)),
      max: Math.max(...all.map(({ abortsMs }) => abortsMs.max)),
    },
    eventLoopMs: {
      p99: Math.max(...all.map(({ eventLoopMs }) => eventLoopMs.p99)),
      max: Math.max(...all.map(({ eventLoopMs }) => eventLoopMs.max)),
    },
  };
}
