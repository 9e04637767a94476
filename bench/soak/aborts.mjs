// Many streams that are left in their middle, and what of them stays on the heap. In a process of its own, with
// `--expose-gc`; prints its figures as JSON.
import { setTimeout as delay } from 'node:timers/promises';
import { PROVIDERS } from '../world/providers.mjs';
import { Random } from '../world/random.mjs';
import { openWorld } from '../world/world.mjs';

const WARM_UP = 2_000;
/** More would be refused by the system: new connections are made faster than one process accepts them. */
const AT_ONCE = 16;
/** Half a minute long: one that is not ended when its client leaves is still open when they are counted. */
const TEXT = 'word '.repeat(320);
const TOKENS_PER_SECOND = 10;
/**
 * Node accepts one connection in each turn of its loop, so the last of those whose clients have left for good are read late:
 * each of them is sent, and ended at once.
 */
const SETTLED_WITHIN_MS = 10_000;
const LOOK_MS = 100;

async function heapMb() {
  // What finalizers let go of, the next run takes away.
  for (let turn = 0; turn < 4; turn += 1) {
    await delay(50);
    globalThis.gc();
  }
  return process.memoryUsage().heapUsed / 2 ** 20;
}

async function run({ aborts, seed, shape }) {
  const world = await openWorld({ seed, shape, hasCapacity: false, keepsCalls: false });
  await world.warmUp();
  for (const name of PROVIDERS) {
    const { upstream } = world.providers[name];
    upstream.setLatency({ timeToFirstTokenMs: 20, tokensPerSecond: TOKENS_PER_SECOND, jitter: 0.3 });
    // Nothing is kept of what is said: this is about the router's memory.
    upstream.setReply(() => ({ text: TEXT }));
  }
  const openUpstream = () =>
    PROVIDERS.reduce((sum, name) => sum + world.providers[name].upstream.openRequests, 0);
  const random = new Random(`aborts ${seed}`);
  let asked = 0;
  const verdicts = {};
  const leave = async (count) => {
    let left = count;
    const worker = async () => {
      while (left > 0) {
        left -= 1;
        asked += 1;
        const id = `a-${asked}`;
        const { verdict, detail } = await world.ask({
          id,
          surface: 'chat',
          streamed: true,
          promptTokens: 50,
          answerTokens: 400,
          // Before the headers, before the first token, and in the middle.
          leaveAfterMs: random.between(0, 150),
        });
        verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
        if (detail !== undefined) verdicts[detail] = (verdicts[detail] ?? 0) + 1;
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    let idleLooks = 0;
    for (let waitedMs = 0; waitedMs < SETTLED_WITHIN_MS && idleLooks < 5; waitedMs += LOOK_MS) {
      await delay(LOOK_MS);
      idleLooks = openUpstream() === 0 ? idleLooks + 1 : 0;
    }
  };
  await leave(WARM_UP);
  const beforeMb = await heapMb();
  const heaps = [];
  const steps = 4;
  for (let step = 0; step < steps; step += 1) {
    await leave(aborts / steps);
    heaps.push(await heapMb());
  }
  const stillOpen = openUpstream();
  await world.close();
  return {
    aborts,
    beforeMb,
    heaps,
    growth: heaps.at(-1) / beforeMb - 1,
    openUpstream: stillOpen,
    verdicts,
  };
}

process.stdout.write(JSON.stringify(await run(JSON.parse(process.argv[2]))), () => process.exit());
