import type { ChatCompletionChunk } from '../chat/index.js';
import type { EmbeddingsCall } from '../providers/embeddings-wire.js';
import type { ProviderCall, TranslatedAnswer } from '../providers/provider-adapter.js';
import type {
  OpenedStream,
  PreparedCall,
  PreparedEmbeddings,
  UpstreamClient,
} from '../providers/upstream-client.js';
import { defaultReply } from '../testing/default-reply.js';
import { openAiWire } from '../testing/openai.wire.js';
import { simulatedVector } from '../testing/simulated-vector.js';
import type { UpstreamReading } from '../testing/upstream-wire.interface.js';
import type { Cue } from './script-page.js';
import type { ScriptedConnection, ScriptedWaits } from './scripted-connection.js';
import type { ScriptedReply, ScriptedRequest } from './scripting.interface.js';
import { type Course, toCourse } from './to-provider-fault.js';
import { toCompletion, toStream, writeAnswer, type WrittenAnswer } from './write-answer.js';

/** Where a client gets its lines from. */
export interface Prompter {
  /** Notes the call, and takes what is scripted for it. Called the moment the call is sent. */
  cue(request: Omit<ScriptedRequest, 'model'>): { readonly request: ScriptedRequest; readonly cue: Cue };
  /** Told of what a script threw. */
  scriptThrew(error: unknown): void;
}

/** One call that is under way. */
interface Scene {
  readonly call: ProviderCall;
  readonly reading: UpstreamReading;
  readonly request: ScriptedRequest;
  readonly cue: Cue;
  readonly course: Course | undefined;
  readonly waits: ScriptedWaits;
  readonly signal: AbortSignal;
}

/** Stands in for one provider: no wire, no port, no timer but a delay that was asked for. */
export class ScriptedClient implements UpstreamClient {
  constructor(
    private readonly provider: string,
    private readonly prompter: Prompter,
    private readonly connection: ScriptedConnection,
  ) {}

  readSecrets(): readonly string[] {
    return [];
  }

  prepare(call: ProviderCall): PreparedCall {
    return {
      complete: (signal, onProgress) => this.complete(this.begin(call, signal), onProgress),
      openStream: (signal) => this.openStream(this.begin(call, signal)),
    };
  }

  /** Vectors as they are simulated everywhere: the same for the same text. Faults hold for them too, replies do not. */
  prepareEmbeddings(call: EmbeddingsCall): PreparedEmbeddings {
    return {
      complete: async (signal, onProgress) => {
        const { upstreamModel, request } = call;
        const inputs: readonly unknown[] = request.input;
        const lastUserText = inputs.filter((input) => typeof input === 'string').join('\n');
        const { cue } = this.prompter.cue({
          provider: this.provider,
          upstreamModel,
          streamed: false,
          tools: [],
          toolChoice: undefined,
          lastUserText,
          outputFormat: 'text',
          messages: [],
          maxOutputTokens: undefined,
          body: { ...request.extras, model: request.model, messages: [] },
        });
        const course = cue.fault === undefined ? undefined : toCourse(cue.fault);
        if (course?.kind === 'error') throw course.error;
        if (course?.kind === 'stalled') return this.connection.waits.stall(signal);
        if (course?.kind === 'broken') throw course.whole;
        if (course?.kind === 'slow') await this.connection.waits.pause(course.beforeMs, signal);
        signal.throwIfAborted();
        onProgress();
        return {
          vectors: inputs.map((input) => simulatedVector(input, request.dimensions)),
          model: upstreamModel,
          usage: undefined,
        };
      },
    };
  }

  private begin(call: ProviderCall, signal: AbortSignal): Scene {
    const body = { ...call.request, stream: call.stream };
    const reading = {
      ...openAiWire.read(body, { kind: 'generate', serverSentEvents: true }),
      ...(call.maxOutputTokens === undefined ? {} : { maxOutputTokens: call.maxOutputTokens }),
    };
    const { request, cue } = this.prompter.cue({
      provider: this.provider,
      upstreamModel: call.upstreamModel,
      streamed: call.stream,
      tools: reading.tools,
      toolChoice: reading.toolChoice,
      lastUserText: reading.lastUserText,
      outputFormat: (call.request.response_format?.type ?? 'text') === 'text' ? 'text' : 'json',
      messages: call.request.messages,
      maxOutputTokens: reading.maxOutputTokens,
      body,
    });
    const course = cue.fault === undefined ? undefined : toCourse(cue.fault);
    const { waits } = this.connection;
    return { call, reading: { ...reading, model: request.model }, request, cue, course, waits, signal };
  }

  private async complete(scene: Scene, onProgress: () => void): Promise<TranslatedAnswer> {
    const { course, waits, signal } = scene;
    if (course?.kind === 'error') throw course.error;
    if (course?.kind === 'stalled') {
      if (course.after !== 'request') onProgress();
      return waits.stall(signal);
    }
    if (course?.kind === 'broken') {
      // An error answer is no progress.
      if (course.whole.status === 200) onProgress();
      throw course.whole;
    }
    const answer = await this.answer(scene);
    onProgress();
    if (course?.kind === 'slow') await this.drip(answer, course.everyMs, scene, onProgress);
    return { completion: toCompletion(answer), usage: answer.usage };
  }

  private async openStream(scene: Scene): Promise<OpenedStream> {
    const { course, waits, signal } = scene;
    if (course?.kind === 'error') throw course.error;
    if (course?.kind === 'stalled' && course.after === 'request') return waits.stall(signal);
    const answer = await this.answer(scene);
    let hasReported = false;
    const report = (): void => {
      hasReported = true;
    };
    return {
      chunks: this.play(answer, scene, report),
      usage: () => (hasReported ? answer.usage : undefined),
    };
  }

  private async *play(
    answer: WrittenAnswer,
    { course, waits, signal }: Scene,
    report: () => void,
  ): AsyncGenerator<readonly ChatCompletionChunk[], void, undefined> {
    if (course?.kind === 'stalled' && course.after === 'headers') await waits.stall(signal);
    const { opening, content, closing } = toStream(answer);
    const everyMs = course?.kind === 'slow' ? course.everyMs : 0;
    for (const chunk of opening) {
      signal.throwIfAborted();
      yield [chunk];
    }
    for (const chunk of content.slice(0, spokenPieces(course))) {
      await waits.pause(everyMs, signal);
      signal.throwIfAborted();
      yield [chunk];
    }
    if (course?.kind === 'stalled') await waits.stallMidway(signal);
    if (course?.kind === 'broken') throw course.streamed;
    signal.throwIfAborted();
    report();
    for (const chunk of closing) yield [chunk];
  }

  private async answer(scene: Scene): Promise<WrittenAnswer> {
    const reply = await this.reply(scene);
    if (scene.course?.kind === 'slow') await scene.waits.pause(scene.course.beforeMs, scene.signal);
    if (typeof reply !== 'string') await scene.waits.pause(reply.delayMs ?? 0, scene.signal);
    return writeAnswer(reply, scene.reading, scene.call.upstreamModel);
  }

  /** The pieces that an answer would have been streamed in, each in its own time. */
  private async drip(
    answer: WrittenAnswer,
    everyMs: number,
    { waits, signal }: Scene,
    onProgress: () => void,
  ): Promise<void> {
    for (const _piece of toStream(answer).content) {
      await waits.pause(everyMs, signal);
      onProgress();
    }
  }

  private async reply({ cue, request, reading, waits, signal }: Scene): Promise<string | ScriptedReply> {
    for (const scripted of cue.replies) {
      if (typeof scripted !== 'function') return scripted;
      // An async function: what a script throws at once is a rejection like any other.
      const ask = async (): Promise<string | ScriptedReply | undefined> => scripted(request);
      const asked = ask().catch((error: unknown) => {
        this.prompter.scriptThrew(error);
        throw error;
      });
      const reply = await waits.until(asked, signal);
      if (reply !== undefined) return reply;
    }
    return defaultReply(reading);
  }
}

/** How many pieces of the content a stream comes to. */
function spokenPieces(course: Course | undefined): number {
  if (course?.kind === 'broken') return course.afterChunks;
  return course?.kind === 'stalled' ? 1 : Number.POSITIVE_INFINITY;
}
