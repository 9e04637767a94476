import { describe, expect, it } from 'vitest';
import { FaultPlan } from './fault-plan.js';
import type { UpstreamRequest } from './scripted-upstream.interface.js';
import type { UpstreamRequestFault } from './upstream-fault.interface.js';

const status = (code: number): UpstreamRequestFault => ({ kind: 'status', status: code });

function request(model = 'm'): UpstreamRequest {
  return {
    api: 'openai',
    model,
    streamed: false,
    tools: [],
    toolChoice: undefined,
    lastUserText: '',
    outputFormat: 'text',
    maxOutputTokens: undefined,
    headers: {},
    body: {},
    receivedAt: 0,
    position: 1,
    key: undefined,
    reusedConnection: false,
  };
}

/** The status of each request in turn; 200 where none fails. */
function run(plan: FaultPlan, count: number): number[] {
  return Array.from({ length: count }, () => {
    const fault = plan.take(request());
    return fault?.kind === 'status' ? fault.status : 200;
  });
}

describe('a plan of faults', () => {
  it('fails the k-th request from now', () => {
    const plan = new FaultPlan(1);
    run(plan, 2);
    plan.failRequest(3, status(500));
    plan.failRequest(1, status(503));
    expect(run(plan, 5)).toEqual([503, 200, 500, 200, 200]);
  });

  it('fails every k-th request from now', () => {
    const plan = new FaultPlan(1);
    run(plan, 1);
    plan.failEvery(3, status(500));
    expect(run(plan, 7)).toEqual([200, 200, 500, 200, 200, 500, 200]);
  });

  it('asks the script about each request', () => {
    const plan = new FaultPlan(1);
    plan.setScript(({ model }) => (model === 'broken' ? status(500) : undefined));
    expect(plan.take(request('broken'))).toEqual(status(500));
    expect(plan.take(request('sound'))).toBeUndefined();
    plan.setScript(undefined);
    expect(plan.take(request('broken'))).toBeUndefined();
  });

  it('fails a share, the same requests for the same seed', () => {
    const drawn = (seed: number): number[] => {
      const plan = new FaultPlan(seed);
      plan.failShare(0.2, [status(500), status(503)]);
      plan.failShare(0.1, status(429));
      return run(plan, 10_000);
    };
    const once = drawn(7);
    const count = (code: number): number => once.filter((one) => one === code).length;
    expect(drawn(7)).toEqual(once);
    expect(drawn(8)).not.toEqual(once);
    for (const code of [500, 503, 429]) expect(Math.abs(count(code) - 1000)).toBeLessThan(100);
    expect(Math.abs(count(200) - 7000)).toBeLessThan(150);
  });

  it('does not move the chance of a request by what else is scripted', () => {
    const plain = new FaultPlan(7);
    const other = new FaultPlan(7);
    for (const plan of [plain, other]) plan.failShare(0.3, status(500));
    other.failNext(status(429), 3);
    expect(run(other, 50).slice(3)).toEqual(run(plain, 50).slice(3));
  });

  it('lets the more particular win, and counts a request for all of them', () => {
    const plan = new FaultPlan(1);
    plan.failAlways(status(506));
    plan.failShare(1, status(505));
    plan.failEvery(2, status(504));
    let asked = 0;
    plan.setScript(() => ((asked += 1), asked === 1 ? status(503) : undefined));
    plan.failRequest(1, status(502));
    plan.failRequest(2, status(502));
    plan.failNext(status(501), 1);
    expect(run(plan, 6)).toEqual([501, 502, 503, 504, 505, 504]);
  });

  it('is over with heal', () => {
    const plan = new FaultPlan(1);
    plan.failAlways(status(500));
    plan.failShare(1, status(500));
    plan.failEvery(1, status(500));
    plan.setScript(() => status(500));
    plan.failRequest(2, status(500));
    plan.failNext(status(500), 1);
    plan.heal();
    expect(run(plan, 3)).toEqual([200, 200, 200]);
  });

  it('refuses what cannot be meant', () => {
    const plan = new FaultPlan(1);
    expect(() => {
      plan.failRequest(0, status(500));
    }).toThrow('The position of a request must be a whole number from 1, but is 0');
    expect(() => {
      plan.failEvery(1.5, status(500));
    }).toThrow(RangeError);
    expect(() => {
      plan.failShare(0.1, []);
    }).toThrow('at least one fault');
    plan.failShare(0.6, status(500));
    expect(() => {
      plan.failShare(0.5, status(500));
    }).toThrow('from 0 to 1');
  });
});
