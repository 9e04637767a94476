import type { ChatCompletion, ValidatedChatRequest } from '../../chat/index.js';
import type { ModelCaller } from '../model-caller.js';
import { BadPlugInAnswer, type OnPlugInFault, type PlugInCall, PlugInGate } from '../plug-in-gate.js';
import { confidenceQuestion, readConfidence } from './confidence-question.js';
import { fitsRequest } from './fits-request.js';
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

/** Holds answers against what their rule demands. Who cannot be asked says nothing: the answer passes. */
export class AnswerChecker {
  /** By the part of the policy that configures it. */
  readonly #gates = new WeakMap<
    VerifyPolicy,
    { readonly verifier: PlugInGate; readonly confidence: PlugInGate }
  >();

  constructor(private readonly onFault: OnPlugInFault) {}

  async isGood(checked: CheckedAnswer): Promise<boolean> {
    const { policy, request, answer } = checked;
    if (policy.schema && !fitsRequest(answer, request)) return false;
    const endsAt = performance.now() + checked.leftMs;
    return (await this.passesVerifier(checked, endsAt)) && (await this.isSure(checked, endsAt));
  }

  private async passesVerifier(checked: CheckedAnswer, endsAt: number): Promise<boolean> {
    const { policy, request, answer } = checked;
    const { verifier } = policy;
    if (verifier === undefined) return true;
    const verdict = await this.gatesOf(policy).verifier.ask(
      async (signal) => {
        // The fields are those that were sent: it is no stream.
        const said: unknown = await verifier(answer, { ...request, stream: false }, { signal });
        if (typeof said !== 'boolean') throw new BadPlugInAnswer();
        return said;
      },
      callOf(checked, endsAt, 0),
    );
    return verdict ?? true;
  }

  private async isSure(checked: CheckedAnswer, endsAt: number): Promise<boolean> {
    const { policy, answer, questionText, model, models } = checked;
    const text = answer.choices.map(({ message }) => message.content ?? '').join('\n');
    if (policy.confidence === undefined || text.trim() === '') return true;
    const { timeoutMs } = callOf(checked, endsAt, 0);
    const confidence = await this.gatesOf(policy).confidence.ask(
      async () => readConfidence(await models.ask(model, confidenceQuestion(questionText, text), timeoutMs)),
      callOf(checked, endsAt, AFTER_EXECUTOR_MS),
    );
    return confidence === undefined || confidence >= policy.confidence;
  }

  private gatesOf(policy: VerifyPolicy): { readonly verifier: PlugInGate; readonly confidence: PlugInGate } {
    let gates = this.#gates.get(policy);
    if (gates === undefined) {
      gates = {
        verifier: new PlugInGate('verifier', this.onFault),
        confidence: new PlugInGate('confidence', this.onFault),
      };
      this.#gates.set(policy, gates);
    }
    return gates;
  }
}

function callOf({ policy, decisionId, signal }: CheckedAnswer, endsAt: number, extraMs: number): PlugInCall {
  const ownMs = Math.max(1, Math.min(policy.timeoutMs, endsAt - performance.now()));
  return { decisionId, signal, timeoutMs: ownMs + extraMs };
}
