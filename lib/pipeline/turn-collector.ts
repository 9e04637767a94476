import type { ChatCompletion, ChatCompletionChunk } from '../chat/index.js';
import type { RecalledTurn } from '../providers/recalled-turn.js';
import type { SaidTurn } from './turn-memory.js';

type Extras = Readonly<Record<string, unknown>>;

/** A piece of thinking, whoever's. */
type DetailPiece = Record<string, unknown>;

const GROWING_FIELDS: ReadonlySet<string> = new Set(['text', 'data', 'summary']);

/** What messages and deltas have in common, with what providers add to both. */
interface Said {
  readonly content?: string | null;
  readonly reasoning_content?: string;
  readonly reasoning_details?: readonly unknown[] | null;
  readonly extra_content?: Extras;
  readonly tool_calls?: readonly { readonly id?: string; readonly extra_content?: Extras }[] | null;
}

/** Collects from one choice of an answer, whole or in chunks, what {@link TurnMemory} keeps. */
export class TurnCollector {
  #text = '';
  #reasoning = '';
  readonly #details: DetailPiece[] = [];
  #extraContent: Extras | undefined;
  readonly #toolCallIds: string[] = [];
  readonly #toolCallExtras = new Map<string, Extras>();

  take(said: Said): void {
    this.#text += said.content ?? '';
    this.#reasoning += said.reasoning_content ?? '';
    // Servers put whatever they like there.
    if (Array.isArray(said.reasoning_details)) {
      for (const piece of said.reasoning_details as readonly unknown[]) this.addDetail(piece);
    }
    this.#extraContent = said.extra_content ?? this.#extraContent;
    for (const { id, extra_content: extraContent } of said.tool_calls ?? []) {
      if (!id) continue;
      this.#toolCallIds.push(id);
      if (extraContent !== undefined) this.#toolCallExtras.set(id, extraContent);
    }
  }

  /** Some providers stream a block in thousands of pieces: they are one entry, as they would be of a whole answer. */
  private addDetail(value: unknown): void {
    if (typeof value !== 'object' || value === null) return;
    const piece: DetailPiece = { ...value };
    const last = this.#details.at(-1);
    const isOfLast =
      last !== undefined &&
      last.signature === undefined &&
      last.type === piece.type &&
      last.index === piece.index &&
      last.format === piece.format;
    if (!isOfLast) {
      this.#details.push(piece);
      return;
    }
    for (const [name, field] of Object.entries(piece)) {
      const known = last[name];
      const isGrowing = GROWING_FIELDS.has(name) && typeof known === 'string' && typeof field === 'string';
      last[name] = isGrowing ? known + field : (field ?? known);
    }
  }

  /** Undefined: a client loses nothing of it that anybody needs. */
  result(provider: string): { readonly said: SaidTurn; readonly turn: RecalledTurn } | undefined {
    const hasCalls = this.#toolCallIds.length > 0;
    const isSigned =
      this.#details.length > 0 || this.#extraContent !== undefined || this.#toolCallExtras.size > 0;
    // Plain thinking is wanted back inside a turn alone: between a call and its result.
    if (!isSigned && !(hasCalls && this.#reasoning !== '')) return undefined;
    return {
      said: { text: this.#text, toolCallIds: this.#toolCallIds },
      turn: {
        provider,
        ...(this.#reasoning === '' ? {} : { reasoningContent: this.#reasoning }),
        ...(this.#details.length === 0 ? {} : { reasoningDetails: this.#details }),
        ...(this.#extraContent === undefined ? {} : { extraContent: this.#extraContent }),
        ...(this.#toolCallExtras.size === 0 ? {} : { toolCallExtras: this.#toolCallExtras }),
      },
    };
  }
}

/** Follows all choices of one answer. */
export class TurnCollectors {
  readonly #byChoice = new Map<number, TurnCollector>();

  answer({ choices }: ChatCompletion): void {
    for (const { index, message } of choices) this.of(index).take(message);
  }

  chunk({ choices }: ChatCompletionChunk): void {
    for (const { index, delta } of choices) this.of(index).take(delta);
  }

  results(provider: string): readonly NonNullable<ReturnType<TurnCollector['result']>>[] {
    return [...this.#byChoice.values()].flatMap((collector) => collector.result(provider) ?? []);
  }

  private of(index: number): TurnCollector {
    let collector = this.#byChoice.get(index);
    if (collector === undefined) {
      collector = new TurnCollector();
      this.#byChoice.set(index, collector);
    }
    return collector;
  }
}
