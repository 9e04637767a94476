import type { ValidatedChatRequest } from '../chat/index.js';
import type { ClassificationInput, CustomClassification } from '../config/index.js';
import { boundedText } from './bounded-text.js';
import {
  type ClassificationCircumstances,
  classificationInput,
  READ_CHARACTERS,
} from './classification-input.js';
import type { ClassificationPolicy, ExamplesPolicy } from './classification-policy.js';
import { BUILT_IN_CLASSES, type Classification, type ClassifiedBy } from './classifier.js';
import { ExampleVectors, mostLike } from './example-vectors.js';
import { judgeQuestion, readJudgement } from './judge-question.js';
import type { ModelCaller, PrepareVectors } from './model-caller.js';
import type { NeedScorer } from './need-scorer.js';
import { BadPlugInAnswer, type OnPlugInFault, type PlugInCall, PlugInGate } from './plug-in-gate.js';
import type { RequestFeatures } from './request-features.js';
import { type Calibration, SurfaceThresholds, type Verdict } from './surface-thresholds.js';

const [EASY_CLASS, HARD_CLASS] = BUILT_IN_CLASSES;
/** Of what is left of a request's time, a plug-in may have so much: the answer is what it is for. */
const SHARE_OF_TIME = 0.5;
/** The executor ends its calls by itself; the gate comes after it. */
const AFTER_EXECUTOR_MS = 100;

/** What says how much a request needs a strong model, and from where on it does. */
export interface Scoring {
  readonly scorer: NeedScorer;
  /** The scorer's own threshold, where no other is configured or learned. */
  readonly defaultThreshold: number;
}

export interface RequestClassifierParts {
  /** Asked for each request: a reload may bring another one. */
  readonly scoring: () => Scoring;
  readonly prepareVectors: PrepareVectors;
  readonly onFault: OnPlugInFault;
}

/** A request to be classified, and by what. */
export interface ClassifiableRequest {
  readonly request: ValidatedChatRequest;
  readonly features: RequestFeatures;
  readonly circumstances: ClassificationCircumstances;
  readonly policy: ClassificationPolicy;
  /** The surface's own; undefined: the policy's. */
  readonly calibration: Calibration | undefined;
  /** Classes that some rule serves. */
  readonly servedClasses: ReadonlyMap<string, unknown>;
}

/** The request on its way, for whoever has to be asked. */
export interface AskingRequest {
  readonly decisionId: string;
  /** Whoever calls models for it. */
  models(): ModelCaller;
  readonly signal: AbortSignal;
  /** Until the request's deadline. */
  leftMs(): number;
}

/** What is known without asking anybody. */
interface FirstLook {
  readonly score: number;
  readonly verdict: Verdict;
  readonly ownClass: string | undefined;
  readonly isNearThreshold: boolean;
}

const GATED_PLUG_INS = ['classifier', 'examples', 'judge'] as const;
type GatedPlugIn = (typeof GATED_PLUG_INS)[number];

/** What a plug-in is known by. */
interface GatedPolicy {
  readonly key: unknown;
  readonly timeoutMs: number;
}

interface Gate {
  readonly gate: PlugInGate;
  readonly timeoutMs: number;
}

/**
 * Says what a request is: by the classes of the user's own, his classifier, example prompts, then the score against the
 * threshold, with a judge where it is close. Synchronous unless somebody has to be asked, and then whoever does not answer
 * is passed over.
 */
export class RequestClassifier {
  readonly #thresholds = new SurfaceThresholds();
  /** Whose scores the thresholds are learned from: a scorer, or the key of one. */
  #learnedFrom: NeedScorer | string | undefined;
  /** By the plug-in's key, and its name before it. */
  readonly #gates: Readonly<Record<GatedPlugIn, Map<unknown, Gate>>> = {
    classifier: new Map(),
    examples: new Map(),
    judge: new Map(),
  };
  /** By the examples' key. */
  readonly #vectors = new Map<string, ExampleVectors>();

  constructor(private readonly parts: RequestClassifierParts) {}

  /** What is known without asking anybody, with a note of who would be. Learns nothing. */
  preview(asked: ClassifiableRequest): Classification {
    const look = this.look(asked, 'explain');
    const { classifier, examples, judge } = asked.policy;
    const notes: string[] = [];
    if (look.ownClass === undefined) {
      if (classifier !== undefined) notes.push('your classifier would be asked');
      if (examples !== undefined) notes.push(`the examples would be compared by ${examples.model}`);
      if (judge !== undefined && look.isNearThreshold) {
        notes.push(`the judge ${judge.model} would be asked: the score is near the threshold`);
      }
    }
    return withNotes(look.ownClass === undefined ? byScore(look) : byOwnClass(look, look.ownClass), [
      ...(asked.policy.calibration?.kind === 'share' || asked.calibration?.kind === 'share'
        ? [look.verdict.isLearned ? 'the threshold is learned' : 'the threshold is not learned yet']
        : []),
      ...notes,
    ]);
  }

  /** Takes note of the request where a threshold is learned. A promise only where somebody has to be asked. */
  classify(asked: ClassifiableRequest, asking: AskingRequest): Classification | Promise<Classification> {
    const look = this.look(asked, asking.decisionId);
    if (look.ownClass !== undefined) return byOwnClass(look, look.ownClass);
    const { classifier, examples, judge } = asked.policy;
    const isAnybodyAsked =
      classifier !== undefined || examples !== undefined || (judge !== undefined && look.isNearThreshold);
    return isAnybodyAsked ? this.ask(asked, look, asking) : this.learn(asked, look, byScore(look));
  }

  /** What is kept of surfaces and plug-ins that no policy in use names any more is forgotten. */
  retain(surfaces: ReadonlySet<string>, policies: readonly ClassificationPolicy[]): void {
    this.#thresholds.retain(surfaces);
    for (const name of GATED_PLUG_INS) {
      const keys = new Set<unknown>(policies.map((policy) => policy[name]?.key));
      prune(this.#gates[name], keys);
      if (name === 'examples') prune(this.#vectors, keys);
    }
  }

  private look(asked: ClassifiableRequest, decisionId: string): FirstLook {
    const { features, circumstances, policy } = asked;
    const { scorer: builtIn, defaultThreshold } = this.parts.scoring();
    const own = policy.scorer;
    const learnedFrom = own?.key ?? builtIn;
    if (learnedFrom !== this.#learnedFrom) {
      // Scores of two scorers cannot be compared.
      this.#thresholds.retain(new Set());
      this.#learnedFrom = learnedFrom;
    }
    const score = asShare((own?.scorer ?? builtIn).score(features));
    const calibration = asked.calibration ?? policy.calibration ?? threshold(defaultThreshold);
    const verdict = this.#thresholds.judge(circumstances.surface, score, calibration, defaultThreshold);
    return {
      score,
      verdict,
      ownClass: policy.classes.length === 0 ? undefined : this.ownClassOf(asked, score, decisionId),
      isNearThreshold: Math.abs(score - verdict.threshold) <= (policy.judge?.margin ?? 0),
    };
  }

  private ownClassOf(asked: ClassifiableRequest, score: number, decisionId: string): string | undefined {
    const input = inputOf(asked, score);
    const found = asked.policy.classes.find(({ matches }) => {
      try {
        const answer: unknown = matches(input);
        if (typeof answer === 'boolean') return answer;
        // A promise, of an `async` function: it is not waited for, and what it rejects with must not end the process.
        void Promise.resolve(answer).catch(() => undefined);
        this.parts.onFault('class', 'bad_answer', decisionId);
      } catch {
        this.parts.onFault('class', 'error', decisionId);
      }
      return false;
    });
    return found?.name;
  }

  private async ask(
    asked: ClassifiableRequest,
    look: FirstLook,
    asking: AskingRequest,
  ): Promise<Classification> {
    const { judge } = asked.policy;
    const notes: string[] = [];
    const custom = await this.askClassifier(asked, look, asking, notes);
    if (custom !== undefined) return withNotes(custom, notes);
    const alike = await this.askExamples(asked, look, asking, notes);
    if (alike !== undefined) return withNotes(alike, notes);
    if (judge === undefined || !look.isNearThreshold) {
      return withNotes(this.learn(asked, look, byScore(look)), notes);
    }
    const isHard = await this.gate(judge, 'judge').ask(
      async () => readJudgement(await this.askJudge(asked, asking)),
      callOf(judge.timeoutMs, asking, AFTER_EXECUTOR_MS),
    );
    notes.push(
      isHard === undefined
        ? `the judge ${judge.model} said nothing of use`
        : `the judge ${judge.model} found it ${isHard ? 'complex' : 'simple'}`,
    );
    const found =
      isHard === undefined ? byScore(look) : classified(look, isHard ? HARD_CLASS : EASY_CLASS, 'judge');
    return withNotes(this.learn(asked, look, found), notes);
  }

  private async askClassifier(
    asked: ClassifiableRequest,
    look: FirstLook,
    asking: AskingRequest,
    notes: string[],
  ): Promise<Classification | undefined> {
    const { classifier } = asked.policy;
    if (classifier === undefined) return undefined;
    const input = inputOf(asked, look.score);
    const answer = await this.gate(classifier, 'classifier').ask(
      async (signal) => ({
        found: readCustom(await classifier.classify(input, { signal }), asked.servedClasses),
      }),
      callOf(classifier.timeoutMs, asking, 0),
    );
    if (answer === undefined) notes.push('your classifier said nothing of use');
    else if (answer.found === undefined) notes.push('your classifier has no opinion');
    if (answer?.found === undefined) return undefined;
    const { class: name, score } = answer.found;
    return { class: name, score: score ?? look.score, by: 'custom', threshold: look.verdict.threshold };
  }

  private async askExamples(
    { policy: { examples }, features }: ClassifiableRequest,
    look: FirstLook,
    asking: AskingRequest,
    notes: string[],
  ): Promise<Classification | undefined> {
    const text = boundedText(features.questionText, READ_CHARACTERS);
    if (examples === undefined || text.trim() === '') return undefined;
    const made = this.vectorsOf(examples).get(Date.now());
    if (made === undefined) {
      notes.push('the examples have no vectors yet');
      return undefined;
    }
    const call = callOf(examples.timeoutMs, asking, AFTER_EXECUTOR_MS);
    const endsAt = performance.now() + call.timeoutMs - AFTER_EXECUTOR_MS;
    const likeness = await this.gate(examples, 'examples').ask(async (signal) => {
      const vectors = await made;
      // Too late for a call: the gate has given up, or will at once.
      if (signal.aborted) throw new BadPlugInAnswer();
      const leftMs = Math.max(1, endsAt - performance.now());
      const [vector] = await asking.models().embed(examples.model, [text], leftMs);
      return mostLike(vector, vectors);
    }, call);
    if (likeness === undefined) {
      notes.push('the examples could not be compared');
      return undefined;
    }
    notes.push(`most like the examples of ${likeness.class} (${likeness.similarity.toFixed(3)})`);
    if (likeness.similarity < examples.minSimilarity) return undefined;
    return classified(look, likeness.class, 'examples');
  }

  private askJudge(
    { policy: { judge }, features }: ClassifiableRequest,
    asking: AskingRequest,
  ): Promise<string> {
    if (judge === undefined) throw new TypeError('There is no judge');
    const { timeoutMs } = callOf(judge.timeoutMs, asking, 0);
    return asking.models().ask(judge.model, judgeQuestion(features.questionText), timeoutMs);
  }

  private learn(
    { circumstances, calibration, policy }: ClassifiableRequest,
    { score }: FirstLook,
    found: Classification,
  ): Classification {
    const { surface } = circumstances;
    this.#thresholds.learn(surface, score, calibration ?? policy.calibration, found.class === HARD_CLASS);
    return found;
  }

  /** One whose time has changed is looked at anew: it may have been its only fault. */
  private gate({ key, timeoutMs }: GatedPolicy, name: GatedPlugIn): PlugInGate {
    const gates = this.#gates[name];
    let kept = gates.get(key);
    if (kept?.timeoutMs !== timeoutMs) {
      kept = { gate: new PlugInGate(name, this.parts.onFault), timeoutMs };
      gates.set(key, kept);
    }
    return kept.gate;
  }

  private vectorsOf(examples: ExamplesPolicy): ExampleVectors {
    let vectors = this.#vectors.get(examples.key);
    if (vectors === undefined) {
      vectors = new ExampleVectors(examples, this.parts.prepareVectors);
      this.#vectors.set(examples.key, vectors);
    }
    return vectors;
  }
}

function prune<Key>(kept: Map<Key, unknown>, keys: ReadonlySet<unknown>): void {
  for (const key of kept.keys()) if (!keys.has(key)) kept.delete(key);
}

function threshold(value: number): Calibration {
  return { kind: 'threshold', value };
}

function inputOf(
  { request, features, circumstances }: ClassifiableRequest,
  score: number,
): ClassificationInput {
  return classificationInput(request, features, circumstances, score);
}

function classified({ score, verdict }: FirstLook, name: string, by: ClassifiedBy): Classification {
  return { class: name, score, by, threshold: verdict.threshold };
}

function byScore(look: FirstLook): Classification {
  return classified(look, look.verdict.isHard ? HARD_CLASS : EASY_CLASS, 'scorer');
}

function byOwnClass(look: FirstLook, name: string): Classification {
  return classified(look, name, 'class');
}

function withNotes(found: Classification, notes: readonly string[]): Classification {
  return notes.length === 0 ? found : { ...found, notes };
}

/** Half of what the request has left, at most. */
function callOf(timeoutMs: number, asking: AskingRequest, extraMs: number): PlugInCall {
  const { decisionId, signal } = asking;
  const ownMs = Math.max(1, Math.min(timeoutMs, asking.leftMs() * SHARE_OF_TIME));
  return { decisionId, signal, timeoutMs: ownMs + extraMs };
}

/** @throws {@link BadPlugInAnswer} for what is no class that some rule serves. */
function readCustom(
  answer: CustomClassification | undefined | null,
  servedClasses: ReadonlyMap<string, unknown>,
): CustomClassification | undefined {
  if (answer === undefined || answer === null) return undefined;
  if (typeof answer !== 'object') throw new BadPlugInAnswer();
  const { class: name, score }: { readonly class: unknown; readonly score?: unknown } = answer;
  if (typeof name !== 'string' || !servedClasses.has(name)) throw new BadPlugInAnswer();
  if (score === undefined) return { class: name };
  if (typeof score !== 'number' || !(score >= 0 && score <= 1)) throw new BadPlugInAnswer();
  return { class: name, score };
}

function asShare(score: number): number {
  return Number.isNaN(score) ? 0 : Math.min(Math.max(score, 0), 1);
}
