import type { ProviderErrorKind } from '../../errors/provider-error-kind.js';

/** What a recording that is no whole answer has to become. */
export interface Fault {
  readonly kind: ProviderErrorKind;
  readonly status: number | undefined;
}

/** Streams that end in an error by their own word or are none, by the name of the recording. */
const BROKEN_STREAMS: Readonly<Record<string, Fault>> = {
  'should-forward-error-stream-parts-after-output-has-started': { kind: 'server_error', status: 500 },
  'sse-done-only': { kind: 'bad_response', status: undefined },
  'should-forward-overloaded-error-during-streaming': { kind: 'overloaded', status: 529 },
  // A second message begins while a tool call of the first is open.
  'spliced-message-start': { kind: 'bad_response', status: undefined },
  'should-handle-unparsable-stream-parts': { kind: 'bad_response', status: undefined },
  'should-preserve-structured-error-stream-parts': { kind: 'context_length', status: 400 },
  'midstream_error_stream.tool-use-failed-error-streaming': { kind: 'bad_response', status: 400 },
  // "Token limit reached" in the middle, with code 400.
  'midstream_error_stream.openrouter-stream-error': { kind: 'invalid_request', status: 400 },
  // Arguments for a call that never gets a name.
  // No finish reason to the end: whether the answer is whole nobody knows.
  'text_stream.streaming-failure-empty-content': { kind: 'stream_cut', status: undefined },
  'text_stream.streaming-failure-malformed-content': { kind: 'stream_cut', status: undefined },
  'text_stream.streaming-success-quotes-escaped': { kind: 'stream_cut', status: undefined },
  'should-error-when-streamed-tool-call-never-receives-a-functi': { kind: 'bad_response', status: undefined },
};

/** Whole answers that are none. */
const BROKEN_ANSWERS: Readonly<Record<string, Fault>> = {
  // An answer of countTokens that was filed under generateContent.
  'text.unary-success-no-billable-characters': { kind: 'bad_response', status: undefined },
};

export function brokenStreamOf(id: string): Fault | undefined {
  return faultOf(BROKEN_STREAMS, id);
}

export function brokenAnswerOf(id: string): Fault | undefined {
  return faultOf(BROKEN_ANSWERS, id);
}

function faultOf(table: Readonly<Record<string, Fault>>, id: string): Fault | undefined {
  return Object.entries(table).find(([name]) => id.includes(name))?.[1];
}
