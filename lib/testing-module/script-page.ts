import type { LlmScript, ReplyScript, ScriptedFault, ScriptedReply } from './scripting.interface.js';

type Reply = string | ScriptedReply | ReplyScript;

type Step =
  | { readonly kind: 'reply'; readonly reply: Reply }
  | { readonly kind: 'fault'; readonly fault: ScriptedFault };

/** The script of one model, one provider, or all calls. */
export class ScriptPage implements LlmScript {
  #queue: Step[] = [];
  #standingReply: Reply | undefined;
  #standingFault: ScriptedFault | undefined;

  reply(reply: Reply): void {
    this.#standingReply = reply;
  }

  replyNext(reply: Reply): void {
    this.#queue.push({ kind: 'reply', reply });
  }

  failNext(fault: ScriptedFault, times = 1): void {
    for (let count = 0; count < times; count += 1) this.#queue.push({ kind: 'fault', fault });
  }

  failAlways(fault: ScriptedFault): void {
    this.#standingFault = fault;
  }

  heal(): void {
    this.#queue = this.#queue.filter(({ kind }) => kind === 'reply');
    this.#standingFault = undefined;
  }

  clear(): void {
    this.#queue = [];
    this.#standingFault = undefined;
    this.#standingReply = undefined;
  }

  /** Says nothing. */
  get isBlank(): boolean {
    return this.#queue.length === 0 && this.#standingFault === undefined && this.#standingReply === undefined;
  }

  get next(): Step | undefined {
    return this.#queue[0];
  }

  get standingFault(): ScriptedFault | undefined {
    return this.#standingFault;
  }

  get standingReply(): Reply | undefined {
    return this.#standingReply;
  }

  takeNext(): void {
    this.#queue.shift();
  }
}

/** What one call is to meet. */
export interface Cue {
  readonly fault: ScriptedFault | undefined;
  /** To be asked in turn, the narrowest first: also where a fault stands, for what it lets through. */
  readonly replies: readonly Reply[];
}

/** For a call that no test asks about any more: it gets the default reply, and takes nothing of the next test's. */
export const NO_CUE: Cue = { fault: undefined, replies: [] };

/** Takes what the pages, the narrowest first, have for the next call. */
export function takeCue(pages: readonly ScriptPage[]): Cue {
  const replies = pages.flatMap(({ standingReply }) => standingReply ?? []);
  const queued = pages.find(({ next }) => next !== undefined);
  const step = queued?.next;
  if (step?.kind === 'fault') {
    queued?.takeNext();
    return { fault: step.fault, replies };
  }
  const fault = pages.find(({ standingFault }) => standingFault !== undefined)?.standingFault;
  if (fault !== undefined || step === undefined) return { fault, replies };
  queued?.takeNext();
  return { fault: undefined, replies: [step.reply, ...replies] };
}
