import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { LlmRouterOptions } from 'nestjs-llm-router';
import {
  createScriptedUpstream,
  createTlsFailure,
  type ScriptedUpstream,
  type TlsFailure,
  type UpstreamApi,
  unresolvableBaseUrl,
} from 'nestjs-llm-router/testing';
import { createFaultBench, expectInterrupted, type FaultBench, readStream } from './fault-bench.js';
import {
  CONNECT_MS,
  type FaultCell,
  faultCells,
  FaultMatrix,
  type FaultPlace,
  WAYS,
} from './fault-matrix.js';
import { expectNothingLeft, type OpenResources, openResources } from './open-resources.js';
import type { Platform } from './router-app.js';

const TEXT =
  'one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen';
const FALLBACK = 'Fallback.';
const APIS = ['openai', 'anthropic', 'gemini'] as const;
/** What the router may take on top of the fault itself, on a machine that has other work as well. */
const OURS_MS = 500;

const OTHER_WIRE: Record<UpstreamApi, UpstreamApi> = {
  openai: 'anthropic',
  'azure-openai': 'anthropic',
  anthropic: 'gemini',
  gemini: 'openai',
};

const QUESTION = { role: 'user', content: 'Count to seventeen' } as const;

/** Every fault of the kit on every wire; a file for each platform calls it, so that they run side by side. */
export function describeFaults(platform: Platform): void {
  const matrix = new FaultMatrix();

  afterAll(() => {
    const columns = APIS.flatMap((api) => WAYS.map((way) => `${api} ${way}`));
    process.stdout.write(
      `\nThe fault matrix on ${platform}: what became of the request, and the milliseconds\n` +
        `${matrix.print(columns)}\n\n`,
    );
  });

  describe(`faults on ${platform}`, () => {
    describe.each(APIS)('of an upstream on the %s wire', (api) => {
      const cells = faultCells(api === APIS[0]);
      let before: OpenResources;
      let faulty: ScriptedUpstream;
      let refusing: ScriptedUpstream;
      let mortal: ScriptedUpstream;
      let healthy: ScriptedUpstream;
      let tls: readonly TlsFailure[];
      let bench: FaultBench;
      const startedCalls: string[] = [];
      const endedCalls: string[] = [];
      const endedRequests: { decisionId: string; attempts: number }[] = [];

      beforeAll(async () => {
        before = openResources();
        // A piece every 40 ms; of Gemini's each has four tokens.
        const pace = api === 'gemini' ? 100 : 25;
        faulty = await createScriptedUpstream({
          api,
          reply: () => ({ text: TEXT }),
          latency: (model) => ({
            timeToFirstTokenMs: 0,
            tokensPerSecond: cells.some(({ name, isPaced }) => isPaced && name === model) ? pace : Infinity,
          }),
        });
        faulty.setFaults(({ model, position }) => {
          const cell = cells.find(({ name }) => name === model);
          return cell?.isWarm && position !== hotPosition ? undefined : cell?.fault;
        });
        refusing = await createScriptedUpstream({ api });
        refusing.failAlways({ kind: 'refused' });
        mortal = await createScriptedUpstream({
          api,
          reply: () => ({ text: TEXT }),
          latency: { timeToFirstTokenMs: 0, tokensPerSecond: 20 },
        });
        healthy = await createScriptedUpstream({ api: OTHER_WIRE[api], reply: () => ({ text: FALLBACK }) });
        tls = await Promise.all(
          (['garbage', 'closed', 'untrusted', 'stalled'] as const).map((kind) => createTlsFailure(kind)),
        );
        const [garbage, closed, untrusted, stalled] = tls.map(({ baseUrl }) => baseUrl);
        const places: Record<FaultPlace, string> = {
          refused: refusing.baseUrl,
          mortal: mortal.baseUrl,
          no_name: unresolvableBaseUrl(),
          tls_garbage: garbage!,
          tls_closed: closed!,
          tls_untrusted: untrusted!,
          tls_stalled: stalled!,
        };
        bench = await createFaultBench({
          platform,
          options: optionsOver(({ place }) => ({
            api,
            baseUrl: place === undefined ? faulty.baseUrl : places[place],
          })),
        });
        bench.engine.bus.on('attempt-started', ({ decisionId, attempt }) => {
          startedCalls.push(`${decisionId}/${attempt}`);
        });
        bench.engine.bus.on('attempt-ended', ({ decisionId, attempt }) => {
          endedCalls.push(`${decisionId}/${attempt}`);
        });
        bench.engine.bus.on('request-ended', (record) => endedRequests.push(record));
        bench.engine.bus.on('attempt-first-token', ({ model }) => {
          if (cells.find(({ name }) => name === model)?.place === 'mortal') {
            mortal.failAlways({ kind: 'refused' });
          }
        });
        // The first request ever takes its time, and the faults of time are of milliseconds.
        await readStream(bench.url, { model: 'warm', messages: [QUESTION] });
      });

      let hotPosition = 0;

      /** A provider, a model and a rule a case: what one teaches changes nothing for the next. */
      function optionsOver(
        where: (cell: FaultCell) => { api: UpstreamApi; baseUrl: string },
      ): LlmRouterOptions {
        return {
          providers: {
            ...Object.fromEntries(
              cells.map((cell) => [cell.name, { ...where(cell), apiKey: `key-of-${cell.name}` }]),
            ),
            first: { api, baseUrl: faulty.baseUrl, apiKey: 'key-of-first' },
            healthy: { api: OTHER_WIRE[api], baseUrl: healthy.baseUrl, apiKey: 'key-of-healthy' },
          },
          models: {
            ...Object.fromEntries(cells.map(({ name }) => [name, { provider: name }])),
            first: { provider: 'first' },
            spare: { provider: 'healthy' },
          },
          routingRules: {
            warm: { primary: 'first', fallback: 'spare' },
            ...Object.fromEntries(
              cells.map(({ name, limits: { targetLatencyMs = 5_000, idleMs, maxStreamMs } }) => [
                `rule_${name}`,
                {
                  tiers: [
                    { models: name, targetLatencyMs, timeouts: { idleMs, maxStreamMs } },
                    { models: 'spare', targetLatencyMs: 5_000 },
                  ],
                },
              ]),
            ),
          },
          execution: { deadlineMs: 10_000, timeouts: { connectMs: CONNECT_MS } },
        };
      }

      beforeEach(() => {
        bench.clear();
      });

      let isClosed = false;
      async function closeAll(): Promise<void> {
        if (isClosed) return;
        isClosed = true;
        await bench.close();
        await Promise.all([faulty, refusing, mortal, healthy, ...tls].map((upstream) => upstream.close()));
      }
      afterAll(closeAll);

      it.each(cells)('$row, $way: $outcome', async (cell) => {
        const { name, way, outcome, limits } = cell;
        const body = { model: `rule_${name}`, messages: [QUESTION] };
        const headers: Record<string, string> =
          limits.deadlineMs === undefined ? {} : { 'x-llm-deadline-ms': String(limits.deadlineMs) };
        if (cell.isWarm) {
          await bench.client.chat.completions.create(body);
          bench.clear();
          hotPosition = faulty.requestCount + 1;
        }
        const callsBefore = faulty.requestCount + mortal.requestCount;
        const servedBefore = healthy.requestCount;
        const startedAt = performance.now();
        let response: Response;
        let said: string | undefined;
        if (way === 'whole') {
          response = await bench.postJson('/v1/chat/completions', body, headers);
          const answer = (await response.json()) as {
            choices?: { message: { content: string }; finish_reason: string }[];
            error?: { code: string };
          };
          said = answer.choices?.[0]?.message.content;
          if (outcome === 'deadline') expect(answer.error?.code).toBe('deadline_exceeded');
          else expect(answer.choices?.map((choice) => choice.finish_reason)).toEqual(['stop']);
        } else {
          const read = await readStream(bench.url, body, headers);
          ({ response } = read);
          said = read.text;
          if (outcome === 'event') {
            expectInterrupted(read);
          } else {
            expect(read.error).toBeUndefined();
            expect(read.raw).toMatch(/data: \[DONE\]\n\n$/);
            expect(read.chunks.flatMap((chunk) => chunk.choices[0]?.finish_reason ?? [])).toEqual(['stop']);
          }
        }
        const tookMs = performance.now() - startedAt;
        matrix.add(cell.row, `${api} ${way}`, outcome, tookMs);
        await bench.whenEnded(1);

        expect(response.status).toBe(outcome === 'deadline' ? 504 : 200);
        expect(response.headers.get('x-llm-attempts')).toBe(
          outcome === 'next' ? '2' : outcome === 'deadline' ? null : '1',
        );
        if (outcome === 'next') expect(said).toBe(FALLBACK);
        if (outcome === 'answer') expect(said).toBe(TEXT);
        // Floods are not made of the text.
        if (outcome === 'event' && cell.fault?.kind !== 'oversized')
          expect(TEXT.startsWith(said!)).toBe(true);
        expect(tookMs).toBeLessThan(cell.takesMs + OURS_MS);

        const first = {
          attempt: 1,
          model: name,
          tier: 'primary',
          streamed: way !== 'whole',
          outcome: firstOutcomeOf(cell),
          errorKind:
            cell.errorKind === undefined
              ? undefined
              : (expect.stringMatching(`^(?:${cell.errorKind})$`) as string),
          timeToFirstTokenMs:
            way === 'after' || (way === 'before' && outcome === 'answer')
              ? (expect.any(Number) as number)
              : undefined,
        };
        const second = { attempt: 2, model: 'spare', outcome: 'succeeded', usageSource: 'reported' };
        expect(bench.attempts).toMatchObject(outcome === 'next' ? [first, second] : [first]);
        if (outcome === 'event') {
          // What it had said is paid for.
          expect(bench.attempts[0]).toMatchObject({ usageSource: 'estimated' });
          expect(bench.attempts[0]!.usage.completionTokens).toBeGreaterThan(0);
        }
        expect(bench.requests).toMatchObject([
          {
            attempts: outcome === 'next' ? 2 : 1,
            outcome: outcome === 'event' ? 'failed' : outcome === 'deadline' ? 'client_left' : 'succeeded',
            errorCode:
              outcome === 'event'
                ? 'stream_interrupted'
                : outcome === 'deadline'
                  ? 'deadline_exceeded'
                  : undefined,
            ...(outcome === 'next' ? { servedBy: { model: 'spare', tier: 'secondary' } } : {}),
          },
        ]);
        // Nothing is sent twice.
        const isReached = cell.place === undefined || cell.place === 'mortal';
        expect(faulty.requestCount + mortal.requestCount - callsBefore).toBe(isReached ? 1 : 0);
        expect(healthy.requestCount - servedBefore).toBe(outcome === 'next' ? 1 : 0);
        await bench.expectQuiet(faulty, mortal, healthy);
      });

      it('tells of every attempt and every request once', () => {
        expect(startedCalls).toHaveLength(new Set(startedCalls).size);
        expect(endedCalls.toSorted()).toEqual(startedCalls.toSorted());
        const ids = endedRequests.map(({ decisionId }) => decisionId);
        expect(ids).toHaveLength(new Set(ids).size);
        const attempts = endedRequests.reduce((sum, request) => sum + request.attempts, 0);
        expect(attempts).toBe(endedCalls.length);
      });

      it('shows in the KPIs: every attempt at its deployment, every request once', async () => {
        const kpis = (await (await bench.fetch('/router/kpis')).json()) as {
          total: Record<string, number>;
          models: Record<string, Record<string, number>>;
        };
        const count = (...outcomes: readonly FaultCell['outcome'][]): number =>
          cells.filter(({ outcome }) => outcomes.includes(outcome)).length;
        // And the very first.
        const warm = cells.filter(({ isWarm }) => isWarm).length + 1;
        expect(kpis.total).toMatchObject({
          requests: cells.length + warm,
          succeeded: count('next', 'answer') + warm,
          errors: count('event'),
          timeouts: 0,
          // By a deadline of their own.
          clientLeft: count('deadline'),
        });
        expect(kpis.models.spare).toMatchObject({ requests: count('next'), errors: 0 });
        for (const { name, outcome, isWarm } of cells) {
          const { requests, errors = 0, timeouts = 0 } = kpis.models[name]!;
          const failures = outcome === 'next' || outcome === 'event' ? 1 : 0;
          expect({ name, requests, failures: errors + timeouts }).toEqual({
            name,
            requests: isWarm ? 2 : 1,
            failures,
          });
        }
      });

      it('leaves no socket and no timer behind', async () => {
        await closeAll();
        await expectNothingLeft(before);
      });
    });
  });
}

function firstOutcomeOf({ outcome, errorKind }: FaultCell): string | RegExp {
  if (outcome === 'answer') return 'succeeded';
  // The client's own short deadline is no fault of the provider.
  if (outcome === 'deadline') return 'client_left';
  if (errorKind === 'connection|timeout') return expect.stringMatching(/^(?:failed|timed_out)$/) as string;
  return errorKind === 'timeout' ? 'timed_out' : 'failed';
}
