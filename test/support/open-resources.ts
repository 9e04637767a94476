import { expect } from 'vitest';

/** What a router or an upstream may leave open; the runner's own pipes and ports are none of it. */
const KINDS = [
  'TCPSocketWrap',
  'TCPServerWrap',
  'TLSWrap',
  'TCPConnectWrap',
  'GetAddrInfoReqWrap',
  'Timeout',
];

export type OpenResources = Readonly<Record<string, number>>;

/** Sockets, servers, look-ups and timers that keep the process alive now. */
export function openResources(): OpenResources {
  const open = process.getActiveResourcesInfo();
  return Object.fromEntries(KINDS.map((kind) => [kind, open.filter((one) => one === kind).length]));
}

/** The other end of a closed connection hears of it a moment later. */
const PATIENCE_MS = 3_000;

/** No more is open than was before; what earlier files left may go in the meantime. */
export async function expectNothingLeft(before: OpenResources): Promise<void> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  let added: string[];
  do {
    // Not by a timer, which would be counted.
    await new Promise(setImmediate);
    const now = openResources();
    added = KINDS.filter((kind) => now[kind]! > before[kind]!).map(
      (kind) => `${kind}: ${before[kind]} before, ${now[kind]} now`,
    );
  } while (added.length > 0 && performance.now() < giveUpAt);
  expect(added).toEqual([]);
}
