import { ProviderError } from '../../errors/provider-error.js';
import { assertWithin, MAX_BLOCKS, MAX_HELD_CHARACTERS } from '../answer-limits.js';
import type { ExtendedToolCallDelta } from '../chat-extensions.js';
import { countOf, isJsonObject, nonEmptyTextOf, objectOf, textOf, type JsonObject } from '../json-reading.js';
import { makeToolCallId } from '../made-up-ids.js';

/** Of a function the client described, with arguments in JSON, or of a custom tool, whose input is any text. */
type CallKind = 'function' | 'custom';

interface OpenCall {
  /** Its number in our stream. */
  readonly index: number;
  /** Its number in the upstream's stream, where it has one. */
  readonly upstreamIndex: number | undefined;
  /** As the upstream named it; undefined until it does. */
  upstreamId: string | undefined;
  name: string | undefined;
  /** Undefined until a delta shows it. */
  kind: CallKind | undefined;
  extraContent: JsonObject | undefined;
  isAnnounced: boolean;
  /** Arguments, or a custom tool's input, that came before the name. */
  heldInput: string;
  hasInput: boolean;
}

/**
 * Puts the tool call deltas of one choice in order: numbered from 0, id and name in the first delta of a call alone,
 * ids made where they are missing or empty. Imitators leave out the index, begin it at 1, use 0 for all parallel
 * calls, or send the name in a later delta than the id.
 *
 * Custom tools (`custom: { name, input }`) are streamed the same way. OpenAI's schema of chunks knows functions alone;
 * the deltas have the fields of whole calls (`ChatCompletionMessageCustomToolCall`).
 */
export class OpenAiToolCalls {
  readonly #calls: OpenCall[] = [];
  #heldCharacters = 0;

  get hasCalls(): boolean {
    return this.#calls.length > 0;
  }

  push(value: unknown): ExtendedToolCallDelta[] {
    if (!isJsonObject(value)) {
      return [];
    }
    const kind = kindOf(value);
    const called = objectOf(kind === 'custom' ? value.custom : value.function) ?? {};
    const id = nonEmptyTextOf(value.id);
    const name = nonEmptyTextOf(called.name);
    const call = this.#find(countOf(value.index), id, name) ?? this.#open(countOf(value.index));
    call.upstreamId ??= id;
    call.name ??= name;
    call.kind ??= kind;
    call.extraContent ??= objectOf(value.extra_content);
    const said = kind === 'custom' ? called.input : called.arguments;
    return this.#advance(call, isJsonObject(said) ? JSON.stringify(said) : (textOf(said) ?? ''));
  }

  /**
   * What is left when the stream has ended well: `{}` for functions that never got arguments. The input of a custom
   * tool may be empty.
   *
   * @throws {@link ProviderError} of kind `bad_response` for a call that never got a name.
   */
  close(): ExtendedToolCallDelta[] {
    return this.#calls.flatMap((call) => {
      if (!call.isAnnounced) {
        throw new ProviderError({ kind: 'bad_response' });
      }
      return call.hasInput || call.kind === 'custom' ? [] : [inputDelta(call, '{}')];
    });
  }

  #find(index: number | undefined, id: string | undefined, name: string | undefined): OpenCall | undefined {
    const candidate =
      index === undefined
        ? this.#findWithoutIndex(id, name)
        : this.#calls.findLast((call) => call.upstreamIndex === index);
    // One index for two calls: a second name with another id is another call.
    const isAnother =
      name !== undefined &&
      id !== undefined &&
      candidate?.upstreamId !== undefined &&
      candidate.upstreamId !== id;
    return isAnother ? undefined : candidate;
  }

  #findWithoutIndex(id: string | undefined, name: string | undefined): OpenCall | undefined {
    if (id !== undefined) {
      return this.#calls.find((call) => call.upstreamId === id);
    }
    const last = this.#calls.at(-1);
    return name !== undefined && last?.name !== undefined ? undefined : last;
  }

  #open(upstreamIndex: number | undefined): OpenCall {
    const call: OpenCall = {
      index: this.#calls.length,
      upstreamIndex,
      upstreamId: undefined,
      name: undefined,
      kind: undefined,
      extraContent: undefined,
      isAnnounced: false,
      heldInput: '',
      hasInput: false,
    };
    this.#calls.push(call);
    assertWithin(this.#calls.length, MAX_BLOCKS, 'too_many_tool_calls');
    return call;
  }

  #advance(call: OpenCall, input: string): ExtendedToolCallDelta[] {
    call.hasInput ||= input !== '';
    if (call.isAnnounced) {
      return input === '' ? [] : [inputDelta(call, input)];
    }
    call.heldInput += input;
    this.#heldCharacters += input.length;
    assertWithin(this.#heldCharacters, MAX_HELD_CHARACTERS, 'too_long');
    const { index, name, heldInput } = call;
    if (name === undefined) {
      return [];
    }
    call.isAnnounced = true;
    const id = call.upstreamId ?? makeToolCallId();
    const extras = call.extraContent === undefined ? {} : { extra_content: call.extraContent };
    return [
      call.kind === 'custom'
        ? { index, id, type: 'custom', custom: { name, input: heldInput }, ...extras }
        : { index, id, type: 'function', function: { name, arguments: heldInput }, ...extras },
    ];
  }
}

/** Undefined for a delta with neither, such as an id alone. */
function kindOf(delta: JsonObject): CallKind | undefined {
  if (isJsonObject(delta.custom)) return 'custom';
  if (isJsonObject(delta.function)) return 'function';
  return delta.type === 'custom' ? 'custom' : undefined;
}

function inputDelta({ index, kind }: OpenCall, input: string): ExtendedToolCallDelta {
  return kind === 'custom' ? { index, custom: { input } } : { index, function: { arguments: input } };
}
