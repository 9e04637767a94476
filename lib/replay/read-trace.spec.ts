import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseTime, splitCsv } from './read-csv-trace.js';
import { readTrace } from './read-trace.js';

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'trace-'));
});

afterAll(async () => {
  await rm(directory, { recursive: true });
});

async function file(content: string | Buffer, name = 'trace'): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, content);
  return path;
}

const AZURE = `TIMESTAMP,ContextTokens,GeneratedTokens
2023-11-16 18:15:46.6805900,374,44
2023-11-16 18:15:50.9951690,396,109`;

const call = (extra: object = {}) => ({
  deployment: 'one/a',
  model: 'a',
  provider: 'one',
  attempt: 1,
  tier: 'primary',
  startedAtMs: 1_000,
  durationMs: 1_500,
  timeToFirstTokenMs: 500,
  outcome: 'succeeded',
  usage: { promptTokens: 100, completionTokens: 50, cachedTokens: 0 },
  ...extra,
});
const line = (extra: object = {}) =>
  JSON.stringify({
    v: 1,
    decisionId: 'd',
    surface: 'chat',
    workload: 'interactive',
    requestClass: 'simple_queries',
    streamed: true,
    startedAtMs: 1_000,
    durationMs: 1_500,
    outcome: 'succeeded',
    usage: { promptTokens: 100, completionTokens: 50 },
    calls: [call()],
    ...extra,
  });

describe('readTrace, CSV', () => {
  const azure = [
    {
      atMs: Date.UTC(2023, 10, 16, 18, 15, 46) + 680.59,
      promptTokens: 374,
      answerTokens: 44,
      requestClass: undefined,
      surface: undefined,
      workload: undefined,
      streamed: true,
    },
    expect.objectContaining({ promptTokens: 396, answerTokens: 109 }),
  ];

  it.each([
    ['as it is', AZURE],
    ['packed', gzipSync(AZURE)],
    [
      'with other line ends, a mark at its start and empty lines',
      `\uFEFF${AZURE.replaceAll('\n', '\r\n\r\n')}\r\n`,
    ],
  ])('reads the Azure form, %s', async (_name, content) => {
    const { requests, behaviours, notes } = await readTrace(await file(content));
    expect(requests).toEqual(azure);
    expect(behaviours.size).toBe(0);
    expect(notes).toEqual([]);
  });

  it('finds further columns by their names, in any order, and sorts by time', async () => {
    const { requests } = await readTrace(
      await file(
        'Surface,stream,output_tokens,Prompt Tokens,class,workload,time\n"a ""b"", c",no,5,7,hard,background,2000\n,,1,2,,,1000\n',
      ),
    );
    expect(requests).toEqual([
      expect.objectContaining({ atMs: 1_000, surface: undefined, streamed: true, answerTokens: 1 }),
      {
        atMs: 2_000,
        promptTokens: 7,
        answerTokens: 5,
        requestClass: 'hard',
        surface: 'a "b", c',
        workload: 'background',
        streamed: false,
      },
    ]);
  });

  it.each([
    ['', /trace: is empty$/],
    ['a,b\n', /trace:1: there is no column for the time of arrival: .*timestamp.*found were a, b\./],
    ['\u0000\u001b[31mred\u0007\n', /found were \uFFFD\uFFFD\[31mred\uFFFD\..*request log begin with \{\.$/],
    ['timestamp,prompt_tokns,answer_tokens\n', /:1: there is no column for the length of the prompt/],
    [`${AZURE}\nyesterday,1,2\n`, /trace:4: TIMESTAMP "yesterday" is no time such as/],
    [`${AZURE}\n2023-11-16 18:15:46,x,2`, /trace:4: ContextTokens "x" is no number of tokens$/],
    [`${AZURE}\n2023-11-16 18:15:46,1,-2`, /trace:4: GeneratedTokens "-2"/],
    [`${AZURE}\n2023-11-16 18:15:46,1`, /trace:4: GeneratedTokens ""/],
    [`${AZURE}\n"2023-11-16,1,2`, /trace:4: a quote is opened and not closed$/],
    ['timestamp,prompttokens,answertokens,workload\n1000,1,2,urgent', /:2: workload "urgent" is neither/],
    ['timestamp,prompttokens,answertokens\n', /holds no request that can be replayed$/],
    [`${AZURE}\n${'1'.repeat(1_100_000)}`, /trace:4: the line is longer than 1048576 characters$/],
  ])('refuses %j by its line', async (content, message) => {
    await expect(readTrace(await file(content))).rejects.toThrow(message);
  });

  it('says what is wrong with a file', async () => {
    await expect(readTrace(join(directory, 'missing'))).rejects.toThrow(/missing: there is no such file$/);
    await expect(readTrace(directory)).rejects.toThrow(/is not a file$|cannot be read \(EISDIR\)$/);
    const cut = gzipSync(AZURE.repeat(100)).subarray(0, 60);
    await expect(readTrace(await file(cut, 'cut.gz'))).rejects.toThrow(/cut\.gz: is no whole gzip file/);
  });

  it('takes no more requests than it may', async () => {
    const path = await file(AZURE);
    await expect(readTrace(path, { maxRequests: 1 })).rejects.toThrow(/:3: there are more than 1 requests$/);
  });
});

describe('readTrace, JSONL', () => {
  it('reads requests and how the deployments behaved', async () => {
    const late = line({ startedAtMs: 500, surface: 'none', requestClass: 'none', streamed: false });
    const { requests, behaviours } = await readTrace(await file(`${line()}\n${late}\n`));
    expect(requests).toEqual([
      {
        atMs: 500,
        promptTokens: 100,
        answerTokens: 50,
        requestClass: undefined,
        surface: undefined,
        workload: 'interactive',
        streamed: false,
      },
      expect.objectContaining({ atMs: 1_000, surface: 'chat', requestClass: 'simple_queries' }),
    ]);
    const behaviour = behaviours.get('one/a')!;
    expect(behaviour.timeToFirstTokenMs.median).toBe(500);
    expect(behaviour.tokensPerSecond.median).toBe(50);
    expect(behaviour.errorRate).toBe(0);
  });

  it('takes the length of the call that answered, not of all calls', async () => {
    const failed = call({
      outcome: 'failed',
      errorKind: 'server_error',
      usage: { promptTokens: 0, completionTokens: 0 },
    });
    const { requests } = await readTrace(
      await file(
        line({ usage: { promptTokens: 200, completionTokens: 60 }, calls: [failed, call({ attempt: 2 })] }),
      ),
    );
    expect(requests[0]).toMatchObject({ promptTokens: 100, answerTokens: 50 });
  });

  it('leaves out what it cannot replay, puts in what is missing, and says so', async () => {
    const { requests, notes } = await readTrace(
      await file(
        [
          line(),
          line().slice(0, 30),
          line({ requestClass: 'embeddings' }),
          line({ outcome: 'rejected', errorCode: 'invalid_request', calls: [] }),
          line({ outcome: 'shed', errorCode: 'overloaded', usage: {}, calls: [], startedAtMs: 2_000 }),
          line().slice(0, 40),
        ].join('\n'),
      ),
    );
    expect(requests).toHaveLength(2);
    expect(requests[1]).toMatchObject({ atMs: 2_000, promptTokens: 100, answerTokens: 50 });
    expect(notes).toEqual([
      '1 requests for embeddings are left out',
      "1 requests that were refused for the caller's own fault are left out",
      '2 lines are cut off and left out',
      '1 requests were never answered, so their lengths are not known: the median is taken',
    ]);
  });

  it.each([
    ['a,1', /trace:2: is no JSON$/],
    ['{"a":1,}', /trace:2: is no JSON$/],
    ['[]', /trace:2: is no JSON object$/],
    ['{}', /trace:2: has no `startedAtMs`: is it a line of the log/],
    [line({ streamed: undefined }), /trace:2: has no `streamed`$/],
    [line({ outcome: undefined }), /trace:2: has no `outcome`$/],
  ])('refuses %j by its line', async (bad, message) => {
    await expect(readTrace(await file(`${line()}\n${bad}\n${line()}\n`))).rejects.toThrow(message);
  });
});

describe('parseTime', () => {
  it.each([
    ['2023-11-16 18:15:46', Date.UTC(2023, 10, 16, 18, 15, 46)],
    ['2023-11-16T18:15:46.25Z', Date.UTC(2023, 10, 16, 18, 15, 46, 250)],
    ['2023-11-16 18:15:46.5 +02:00', Date.UTC(2023, 10, 16, 16, 15, 46, 500)],
    ['1700158546680', 1_700_158_546_680],
    ['1700158546.25', 1_700_158_546_250],
    ['12.5', 12.5],
    ['soon', undefined],
    ['2023-13-45 18:15:46', undefined],
    ['', undefined],
    ['-1', undefined],
  ])('reads %j', (text, expected) => {
    expect(parseTime(text)).toBe(expected);
  });
});

describe('splitCsv', () => {
  it('gives back what was quoted', () => {
    const field = fc.string().filter((text) => !/[\n\r]/.test(text) && text.trim() === text);
    fc.assert(
      fc.property(fc.array(field, { minLength: 1 }), (fields) => {
        const text = fields.map((one) => `"${one.replaceAll('"', '""')}"`).join(',');
        expect(splitCsv(text)).toEqual(fields);
      }),
    );
  });
});
