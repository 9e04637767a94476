import { ChatCompletionStream } from 'openai/lib/ChatCompletionStream';
import { describe, expect, it } from 'vitest';
import type { ChatCompletion, ChatCompletionChunk } from '../../chat/chat-types.js';
import { ProviderError } from '../../errors/provider-error.js';
import { adapterFor } from '../adapter-registry.js';
import { brokenAnswerOf, brokenStreamOf } from './broken-answers.spec-support.js';
import { complaintsOfAnswer, complaintsOfChunk } from './openai-schema.spec-support.js';
import { readAnthropic } from './read-anthropic.spec-support.js';
import { readGemini } from './read-gemini.spec-support.js';
import { readOpenAi } from './read-openai.spec-support.js';
import { readChunks, readCompletion } from './read-ours.spec-support.js';
import { payloadsOf, type ReadChoice, type ReadToolCall, type Reading } from './reading.spec-support.js';
import { type Recording, type Scope, scopeOf, streamsOf } from './recordings.spec-support.js';
import type { ConformanceReport } from './report.spec-support.js';
import { catchError, PLAIN_CALL, readEvents, translate } from './translate.spec-support.js';

/** Every recorded answer and stream comes out as a valid one of OpenAI's, and says what the recording says. */
export function describeAnswers(report: ConformanceReport): void {
  const good = report.inScope.filter(({ status }) => status < 300);

  describe('answers', () => {
    it.each(good.filter(isAnswer))('$id', (recording) => {
      const scope = scopeOf(recording)!;
      const broken = brokenAnswerOf(recording.id);
      if (broken !== undefined) {
        const error = catchError(() => adapterFor(scope.api).parseAnswer(recording.body, PLAIN_CALL));
        expect(error).toBeInstanceOf(ProviderError);
        expect(error).toMatchObject(broken);
      } else {
        const { completion, usage } = adapterFor(scope.api).parseAnswer(recording.body, PLAIN_CALL);
        const expected = read(scope, [recording.body]);
        expect(complaintsOfAnswer(completion)).toEqual([]);
        expectSame(readCompletion(completion), expected);
        expectUsage(completion.usage, usage, expected);
        expectShape(completion);
        if (scope.wire === 'openai') expectNothingLost(completion, recording.body);
      }
      report.pass(recording, 'answers');
    });
  });

  describe('streams', () => {
    const streams = good.flatMap((recording) =>
      streamsOf(recording).map((stream, turn) => ({ id: recording.id, turn, recording, stream })),
    );
    it.each(streams)('$id, turn $turn', async ({ recording, stream }) => {
      const scope = scopeOf(recording)!;
      const { chunks, error } = translate(scope.api, readEvents([new TextEncoder().encode(stream)]));
      expect(chunks.flatMap(complaintsOfChunk)).toEqual([]);
      const expected = read(scope, payloadsOf(stream));
      const broken = brokenStreamOf(recording.id);
      if (broken !== undefined) {
        expect(error).toBeInstanceOf(ProviderError);
        expect(error).toMatchObject(broken);
        // What came before the error is not lost, and nothing says that the answer is complete.
        expect(
          readChunks(chunks)
            .choices.map(({ text }) => text)
            .join(''),
        ).toBe(expected.choices.map(({ text }) => text).join(''));
        expect(
          chunks.flatMap(({ choices }) => choices).every((choice) => choice.finish_reason === null),
        ).toBe(true);
      } else {
        expect(error).toBeUndefined();
        expectSame(readChunks(chunks), expected);
        expectUsage(chunks.at(-1)?.usage ?? undefined, undefined, expected);
        expectOrder(chunks);
        await expectOfficialClient(chunks, expected);
      }
      report.pass(recording, 'streams');
    });
  });
}

function isAnswer(recording: Recording): boolean {
  return recording.sse_raw === undefined && !Array.isArray(recording.body);
}

function read({ wire, api }: Scope, payloads: readonly unknown[]): Reading {
  switch (wire) {
    case 'openai':
      return readOpenAi(payloads, api === 'openai' || api === 'azure-openai');
    case 'anthropic':
      return readAnthropic(payloads);
    case 'gemini':
      return readGemini(payloads);
  }
}

/** Ids are the provider's; where it sent none, or one twice, they are made up, and no two alike. */
function expectSame(actual: Reading, expected: Reading): void {
  const byIndex = (one: ReadChoice, other: ReadChoice): number => one.index - other.index;
  const withoutIds = (choices: readonly ReadChoice[]): object[] =>
    [...choices].sort(byIndex).map((choice) => ({
      ...choice,
      toolCalls: choice.toolCalls.map(({ id: _id, ...call }) => call),
    }));
  expect(withoutIds(actual.choices)).toEqual(withoutIds(expected.choices));
  for (const choice of expected.choices) {
    const ours = idsOf(actual.choices.find(({ index }) => index === choice.index)?.toolCalls);
    const theirs = idsOf(choice.toolCalls);
    expect(ours.map((id, position) => (theirs[position] === undefined ? undefined : id))).toEqual(theirs);
    expect(ours.every((id) => id !== undefined && id !== '')).toBe(true);
    expect(new Set(ours).size).toBe(ours.length);
  }
  expect(actual.usage).toEqual(expected.usage);
}

const idsOf = (calls: readonly ReadToolCall[] = []): (string | undefined)[] => calls.map(({ id }) => id);

function expectUsage(
  sent: ChatCompletion['usage'],
  counted: { readonly promptTokens: number; readonly completionTokens: number } | undefined,
  expected: Reading,
): void {
  expect(sent === undefined).toBe(expected.usage === undefined);
  if (sent === undefined) return;
  expect(sent.total_tokens).toBe(sent.prompt_tokens + sent.completion_tokens);
  if (counted !== undefined) {
    // What is paid for is what the client is told.
    expect([counted.promptTokens, counted.completionTokens]).toEqual([
      sent.prompt_tokens,
      sent.completion_tokens,
    ]);
  }
}

/** What OpenAI's own answers have, and clients read without looking first. */
function expectShape(completion: ChatCompletion): void {
  expect(completion.id).not.toBe('');
  expect(completion.created).toBeGreaterThan(1_000_000_000);
  for (const { message, logprobs } of completion.choices) {
    expect(message).toHaveProperty('refusal');
    expect(message).toHaveProperty('content');
    expect(logprobs).not.toBeUndefined();
    expect(message.tool_calls).not.toEqual([]);
    if (message.tool_calls === undefined) expect(message.content).not.toBeUndefined();
  }
}

const REWRITTEN = ['content', 'reasoning', 'reasoning_content', 'tool_calls', 'role'];

/** Annotations, sound, citations and what else a maker adds stay where they were. */
function expectNothingLost(completion: ChatCompletion, body: unknown): void {
  const { choices = [], ...rest } = body as { choices?: { message?: object }[]; [name: string]: unknown };
  const kept = (value: object, without: readonly string[]): object =>
    Object.fromEntries(
      Object.entries(value).filter(([name, field]) => field !== null && !without.includes(name)),
    );
  expect(completion).toMatchObject(
    kept(rest, ['usage', 'service_tier', 'id', 'created', 'model', 'object', 'system_fingerprint']),
  );
  choices.forEach(({ message = {} }, position) => {
    expect(completion.choices[position]?.message).toMatchObject(kept(message, REWRITTEN));
  });
}

/** One id and time, the role first and once, call numbers from 0, usage last and alone. */
function expectOrder(chunks: readonly ChatCompletionChunk[]): void {
  expect(new Set(chunks.map((chunk) => `${chunk.id} ${chunk.created} ${chunk.model}`)).size).toBe(1);
  const opened = new Set<number>();
  const finished = new Set<number>();
  const announced = new Set<string>();
  for (const { index, delta, finish_reason: finishReason } of chunks.flatMap((chunk) => chunk.choices)) {
    expect(delta.role).toBe(opened.has(index) ? undefined : 'assistant');
    opened.add(index);
    expect(finished.has(index)).toBe(false);
    if (finishReason !== null) finished.add(index);
    for (const call of delta.tool_calls ?? []) {
      const key = `${index} ${call.index}`;
      const isNew = !announced.has(key);
      expect([call.id !== undefined, call.type !== undefined, call.function?.name !== undefined]).toEqual([
        isNew,
        isNew,
        isNew,
      ]);
      if (isNew) {
        expect(call.index).toBe([...announced].filter((known) => known.startsWith(`${index} `)).length);
        announced.add(key);
      }
    }
  }
  expect(finished).toEqual(opened);
  const usageChunks = chunks.filter((chunk) => chunk.choices.length === 0);
  expect(usageChunks.length).toBeLessThanOrEqual(1);
  if (usageChunks.length > 0) expect(chunks.at(-1)).toBe(usageChunks[0]);
}

/** OpenAI's own package puts the chunks together. */
async function expectOfficialClient(
  chunks: readonly ChatCompletionChunk[],
  expected: Reading,
): Promise<void> {
  const lines = chunks.map((chunk) => `${JSON.stringify(chunk)}\n`);
  const final = await ChatCompletionStream.fromReadableStream(new Blob(lines).stream()).finalChatCompletion();
  const texts = final.choices.map(({ index, message }) => [index, message.content ?? '']);
  expect(texts.sort()).toEqual(expected.choices.map(({ index, text }) => [index, text]).sort());
  const names = final.choices.flatMap(({ message }) =>
    (message.tool_calls ?? []).map((toolCall) => toolCall.function.name),
  );
  expect(names.sort()).toEqual(
    expected.choices.flatMap(({ toolCalls }) => toolCalls.map(({ name }) => name)).sort(),
  );
  expect(final.usage?.total_tokens).toBe(
    expected.usage === undefined ? undefined : expected.usage.prompt + expected.usage.completion,
  );
}
