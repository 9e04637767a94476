import type { ChatCompletion, ValidatedChatRequest } from '../../chat/index.js';
import type { AnswerVerifier } from '../../config/index.js';
import type { ModelCaller } from '../model-caller.js';
import { BadPlugInAnswer, type OnPlugInFault, type PlugInCall, PlugInGate } from '../plug-in-gate.js';
import { confidenceQuestion, readConfidence } from './confidence-question.js';
import { fitsRequest } from '../../quality/index.js';
import type { VerifyPolicy } from './verify-policy.js';

/** The executor ends its calls by itself; the gate comes after it. */
const AFTER_EXECUTOR_MS = 100;

/** An answer to be checked, and for whom. */
export interface CheckedAnswer {
  readonly policy: VerifyPolicy;
  readonly request: ValidatedChatRequest;
  /** The last user turn, bounded. */
  readonly questionText: string;
  readonly answer: ChatCompletion;
  /** The model that gave it. */
  readonly model: string;
  readonly decisionId: string;
  readonly models: ModelCaller;
  readonly signal: AbortSignal;
  /** For all checks, whatever each may take. */
  readonly leftMs: number;
}

/** `unknown`: nothing was there to be checked, or who was to check it said nothing of use. */
export type AnswerVerdict = 'good' | 'bad' | 'unknown';

/** What one check says; undefined: nothing is asked of the answer there. */
type CheckVerdict = AnswerVerdict | undefined;

/** Holds answers against what their rule demands. Who cannot be asked has nothing against an answer, nor for it. */
export class AnswerChecker {
  /** By the user's function: it stays over a reload. */
  readonly #verifierGates = new WeakMap<AnswerVerifier, PlugInGate>();
  /** By the part of the policy that asks for it: whom it asks is whoever has answered. */
  readonly #confidenceGates = new WeakMap<VerifyPolicy, PlugInGate>();

  constructor(private readonly onFault: OnPlugInFault) {}

  async check(checked: CheckedAnswer): Promise<AnswerVerdict> {
    const { policy, request, answer } = checked;
    const fits = policy.schema ? fitsRequest(answer, request) : undefined;
    if (fits === false) return 'bad';
    const endsAt = performance.now() + checked.leftMs;
    const verified = await this.askVerifier(checked, endsAt);
    if (verified === 'bad') return 'bad';
    const sure = await this.askConfidence(checked, endsAt);
    if (sure === 'bad') return 'bad';
    if (verified === 'unknown' || sure === 'unknown') return 'unknown';
    return (fits ?? verified ?? sure) !== undefined ? 'good' : 'unknown';
  }

  private async askVerifier(checked: CheckedAnswer, endsAt: number): Promise<CheckVerdict> {
    const { policy, request, answer } = checked;
    const { verifier } = policy;
    if (verifier === undefined) return undefined;
    const isGood = await this.gate(this.#verifierGates, verifier, 'verifier').ask(
      async (signal) => {
        // The fields are those that were sent: it is no stream.
        const said: unknown = await verifier(answer, { ...request, stream: false }, { signal });
        if (typeof said !== 'boolean') throw new BadPlugInAnswer();
        return said;
      },
      callOf(checked, endsAt, 0),
    );
    return verdictOf(isGood);
  }

  private async askConfidence(checked: CheckedAnswer, endsAt: number): Promise<CheckVerdict> {
    const { policy, answer, questionText, model, models } = checked;
    const { confidence: least } = policy;
    const text = answer.choices.map(({ message }) => message.content ?? '').join('\n');
    if (least === undefined || text.trim() === '') return undefined;
    const { timeoutMs } = callOf(checked, endsAt, 0);
    const confidence = await this.gate(this.#confidenceGates, policy, 'confidence').ask(
      async () => readConfidence(await models.ask(model, confidenceQuestion(questionText, text), timeoutMs)),
      callOf(checked, endsAt, AFTER_EXECUTOR_MS),
    );
    return verdictOf(confidence === undefined ? undefined : confidence >= least);
  }

  private gate<Key extends object>(
    gates: WeakMap<Key, PlugInGate>,
    key: Key,
    name: 'verifier' | 'confidence',
  ): PlugInGate {
    let gate = gates.get(key);
    if (gate === undefined) {
      gate = new PlugInGate(name, this.onFault);
      gates.set(key, gate);
    }
    return gate;
  }
}

function verdictOf(isGood: boolean | undefined): AnswerVerdict {
  if (isGood === undefined) return 'unknown';
  return isGood ? 'good' : 'bad';
}

function callOf({ policy, decisionId, signal }: CheckedAnswer, endsAt: number, extraMs: number): PlugInCall {
  const ownMs = Math.max(1, Math.min(policy.timeoutMs, endsAt - performance.now()));
  return { decisionId, signal, timeoutMs: ownMs + extraMs };
}
