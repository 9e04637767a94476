import { wireTextOf } from '../../chat/wire-text.js';
import { AiSdkStreamTranslator } from '../ai-sdk/ai-sdk-stream-translator.js';
import { fromAiSdkResult } from '../ai-sdk/from-ai-sdk-result.js';
import type { ChatCompletionChunk } from '../../chat/chat-types.js';
import type { WireEvent } from '../provider-adapter.js';
import { parseJson } from '../json-reading.js';
import { ProviderError } from '../../errors/provider-error.js';
import { inPieces, makeAnswer, makeHeaders, makeStream, STATUSES } from './make-input.spec-support.js';
import { checkError, checkGrowth, checkPlain, checkPrototypes, Fault, saidItWasWhole } from './oracles.spec-support.js';
import { Random } from './random.spec-support.js';
import { runClientCase } from './run-client-case.spec-support.js';
import type { Seeds } from './seeds.spec-support.js';
import { mutateJson, strangeValue, toText } from './strange-json.spec-support.js';
import { EMBEDDINGS_CALLS, SUBJECTS, type Subject } from './subjects.spec-support.js';

/** What one case was. */
export interface CaseOutcome {
  readonly target: 'stream' | 'parts' | 'answer' | 'embeddings' | 'failure' | 'client';
  readonly subject: string;
  /** Characters of output for each byte of input. */
  readonly growth: number;
  /** It came to its end without an error. */
  readonly isSuccess: boolean;
}

const decoder = new TextDecoder();

/** One case: makes its input from its number, feeds it, and checks what comes out. A promise for the cases of the client. */
export function runCase(seed: number, index: number, seeds: Seeds): CaseOutcome | Promise<CaseOutcome> {
  const random = new Random(seed, index);
  const target = random.below(100);
  const subject = random.pick(SUBJECTS);
  if (target < 58) return runStream(random, seeds, subject);
  if (target < 62) return runParts(random, seeds);
  if (target < 80) return runAnswer(random, seeds, subject);
  if (target < 85) return runEmbeddings(random, seeds, subject);
  if (target < 98) return runFailure(random, seeds, subject);
  return runClientCase(random, seeds, subject).then((outcome) => {
    checkPrototypes();
    return { target: 'client', subject: subject.name, ...outcome };
  });
}

/** Runs what reads an upstream's words; anything else than a {@link ProviderError} is a fault. */
function attempt(run: () => void): boolean {
  try {
    run();
    return true;
  } catch (error) {
    checkError(error);
    return false;
  } finally {
    checkPrototypes();
  }
}

function sizeOf(chunks: readonly ChatCompletionChunk[]): number {
  let characters = 0;
  for (const chunk of chunks) {
    checkPlain(chunk);
    for (const choice of chunk.choices) checkPlain(choice.delta);
    characters += wireTextOf(chunk).length;
  }
  return characters;
}

function runStream(random: Random, seeds: Seeds, subject: Subject): CaseOutcome {
  const input = makeStream(random, seeds, subject);
  const translator = subject.adapter.createStreamTranslator(random.pick(subject.calls));
  const events: WireEvent[] = [];
  let output = 0;
  const isSuccess = attempt(() => {
    const reader = subject.openReader((event) => {
      if (translator.isTerminated) return;
      events.push(event);
      output += sizeOf(translator.push(event));
    });
    for (const piece of inPieces(random, input)) {
      reader.feed(piece);
      if (translator.isTerminated) break;
    }
    if (!translator.isTerminated) reader.end();
    output += sizeOf(translator.end());
  });
  checkGrowth(input.length, output);
  const isCompatible = !['openai', 'azure-openai'].includes(subject.name);
  if (isSuccess && !saidItWasWhole(subject.wire, events, isCompatible)) {
    throw new Fault('a stream that did not say that it was whole passed for a success');
  }
  return { target: 'stream', subject: subject.name, growth: output / Math.max(input.length, 200), isSuccess };
}

function runParts(random: Random, seeds: Seeds): CaseOutcome {
  const call = random.pick(SUBJECTS[0]?.calls ?? []);
  const text = JSON.stringify(random.pick(seeds.parts));
  let parts: unknown = text;
  for (let times = random.below(5); times > 0; times -= 1) {
    parts = mutateJson(random, typeof parts === 'string' ? parts : (toText(parts) ?? ''));
  }
  const read = parseJson(typeof parts === 'string' ? parts : '');
  const list = Array.isArray(read) ? (read as unknown[]) : [strangeValue(random)];
  const translator = new AiSdkStreamTranslator(call);
  let output = 0;
  const isSuccess = attempt(() => {
    for (const part of list) output += sizeOf(translator.push(part));
    output += sizeOf(translator.end());
  });
  attempt(() => fromAiSdkResult({ content: list, finishReason: strangeValue(random) }, call));
  const hasFinished = list.some((part) => (part as { type?: unknown } | null)?.type === 'finish');
  if (isSuccess && !hasFinished) throw new Fault('parts without a finish passed for a success');
  checkGrowth(text.length, output);
  return { target: 'parts', subject: 'ai-sdk', growth: output / Math.max(text.length, 200), isSuccess };
}

/** As ProviderClient reads a body. */
function readJson(input: Uint8Array): unknown {
  const body = parseJson(decoder.decode(input));
  if (body === undefined) throw new ProviderError({ kind: 'bad_response', providerCode: 'not_json' });
  return body;
}

function runAnswer(random: Random, seeds: Seeds, subject: Subject): CaseOutcome {
  const { answers, failures } = seeds.wires[subject.wire];
  const input = makeAnswer(random, answers, failures);
  let output = 0;
  const isSuccess = attempt(() => {
    const { completion } = subject.adapter.parseAnswer(readJson(input), random.pick(subject.calls));
    checkPlain(completion);
    for (const choice of completion.choices) checkPlain(choice.message);
    output = JSON.stringify(completion).length;
  });
  checkGrowth(input.length, output);
  return { target: 'answer', subject: subject.name, growth: output / Math.max(input.length, 200), isSuccess };
}

function runEmbeddings(random: Random, seeds: Seeds, subject: Subject): CaseOutcome {
  const wire = subject.adapter.embeddings === undefined ? 'openai' : subject.wire;
  const embeddings = subject.adapter.embeddings ?? SUBJECTS[0]?.adapter.embeddings;
  const input = makeAnswer(random, seeds.wires[wire].embeddings, seeds.wires[wire].failures);
  let output = 0;
  const isSuccess = attempt(() => {
    const answer = embeddings?.parseAnswer(readJson(input), random.pick(EMBEDDINGS_CALLS));
    for (const vector of answer?.vectors ?? []) {
      if (typeof vector !== 'string' && !vector.every((value) => Number.isFinite(value))) {
        throw new Fault('a vector holds what JSON has no number for');
      }
    }
    output = JSON.stringify(answer).length;
  });
  checkGrowth(input.length, output);
  return { target: 'embeddings', subject: subject.name, growth: output / Math.max(input.length, 200), isSuccess };
}

function runFailure(random: Random, seeds: Seeds, subject: Subject): CaseOutcome {
  const { answers, failures } = seeds.wires[subject.wire];
  const text = decoder.decode(makeAnswer(random, failures, answers));
  const failure = { status: random.pick(STATUSES), headers: makeHeaders(random), body: parseJson(text) ?? text };
  attempt(() => {
    const error = subject.adapter.parseError(failure);
    checkError(error);
    if (failure.status >= 400 && error.status !== failure.status) throw new Fault('the status was lost');
  });
  return { target: 'failure', subject: subject.name, growth: 0, isSuccess: true };
}
