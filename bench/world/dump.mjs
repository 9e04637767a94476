import { writeFileSync } from 'node:fs';

function groupById(calls) {
  const groups = new Map();
  for (const call of calls) groups.set(call.id, [...(groups.get(call.id) ?? []), call]);
  return groups;
}

/** A line for every request, with its calls: to find out why a goal is missed. */
export function writeDump(file, readings, sent, arrived) {
  const sentOf = groupById(sent);
  const arrivedOf = groupById(arrived);
  const since = (start, at) => (at === undefined ? undefined : at - start);
  const lines = readings.map(({ headers, ...reading }) =>
    JSON.stringify({
      ...reading,
      headers: Object.fromEntries(
        Object.entries(headers).filter(([key]) => key.startsWith('x-llm') || key === 'retry-after'),
      ),
      sent: (sentOf.get(reading.id) ?? []).map(({ provider, sentAt, endedAt }) => ({
        provider,
        fromMs: since(reading.startedAt, sentAt),
        toMs: since(reading.startedAt, endedAt),
      })),
      arrived: (arrivedOf.get(reading.id) ?? []).map(({ provider, receivedAt, closedAt, status }) => ({
        provider,
        status,
        fromMs: since(reading.startedAt, receivedAt),
        toMs: since(reading.startedAt, closedAt),
      })),
    }),
  );
  writeFileSync(file, `${lines.join('\n')}\n`);
}
