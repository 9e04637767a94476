import { ProviderError } from '../../errors/provider-error.js';
import type { ExtendedToolCallDelta } from '../chat-extensions.js';
import { countOf, isJsonObject, nonEmptyTextOf, objectOf, textOf, type JsonObject } from '../json-reading.js';
import { makeToolCallId } from '../made-up-ids.js';

interface OpenCall {
  /** Its number in our stream. */
  readonly index: number;
  /** Its number in the upstream's stream, where it has one. */
  readonly upstreamIndex: number | undefined;
  /** As the upstream named it; undefined until it does. */
  upstreamId: string | undefined;
  name: string | undefined;
  extraContent: JsonObject | undefined;
  isAnnounced: boolean;
  /** Arguments that came before the name. */
  heldArguments: string;
  hasArguments: boolean;
}

/**
 * Puts the tool call deltas of one choice in order: numbered from 0, id and name in the first delta of a call alone,
 * ids made where they are missing or empty. Imitators leave out the index, begin it at 1, use 0 for all parallel
 * calls, or send the name in a later delta than the id.
 */
export class OpenAiToolCalls {
  readonly #calls: OpenCall[] = [];

  get hasCalls(): boolean {
    return this.#calls.length > 0;
  }

  push(value: unknown): ExtendedToolCallDelta[] {
    if (!isJsonObject(value)) {
      return [];
    }
    const called = objectOf(value.function) ?? {};
    const id = nonEmptyTextOf(value.id);
    const name = nonEmptyTextOf(called.name);
    const call = this.#find(countOf(value.index), id, name) ?? this.#open(countOf(value.index));
    call.upstreamId ??= id;
    call.name ??= name;
    call.extraContent ??= objectOf(value.extra_content);
    const argumentsDelta = isJsonObject(called.arguments)
      ? JSON.stringify(called.arguments)
      : (textOf(called.arguments) ?? '');
    return this.#advance(call, argumentsDelta);
  }

  /**
   * What is left when the stream has ended well: `{}` for calls that never got arguments.
   *
   * @throws {@link ProviderError} of kind `bad_response` for a call that never got a name.
   */
  close(): ExtendedToolCallDelta[] {
    return this.#calls.flatMap((call) => {
      if (!call.isAnnounced) {
        throw new ProviderError({ kind: 'bad_response' });
      }
      return call.hasArguments ? [] : [{ index: call.index, function: { arguments: '{}' } }];
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
      extraContent: undefined,
      isAnnounced: false,
      heldArguments: '',
      hasArguments: false,
    };
    this.#calls.push(call);
    return call;
  }

  #advance(call: OpenCall, argumentsDelta: string): ExtendedToolCallDelta[] {
    call.hasArguments ||= argumentsDelta !== '';
    if (call.isAnnounced) {
      return argumentsDelta === '' ? [] : [{ index: call.index, function: { arguments: argumentsDelta } }];
    }
    call.heldArguments += argumentsDelta;
    if (call.name === undefined) {
      return [];
    }
    call.isAnnounced = true;
    return [
      {
        index: call.index,
        id: call.upstreamId ?? makeToolCallId(),
        type: 'function',
        function: { name: call.name, arguments: call.heldArguments },
        ...(call.extraContent === undefined ? {} : { extra_content: call.extraContent }),
      },
    ];
  }
}
