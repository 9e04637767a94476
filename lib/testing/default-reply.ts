import { recordOf } from './json-value.js';
import { minimalInstance } from './minimal-instance.js';
import type { UpstreamReply } from './scripted-upstream.interface.js';
import type { UpstreamReading } from './upstream-wire.interface.js';

/**
 * What an upstream says without a script: the tool or the JSON that the request insists on, filled with the least its
 * schema allows; else a short text that says it is simulated and by which model.
 */
export function defaultReply(reading: UpstreamReading): UpstreamReply {
  switch (reading.wish.kind) {
    case 'tool':
      return {
        toolCalls: [{ name: reading.wish.name, arguments: recordOf(minimalInstance(reading.wish.schema)) }],
      };
    case 'json':
      return { text: JSON.stringify(minimalInstance(reading.wish.schema)) };
    case 'text':
      return limitReply(`This is a simulated answer from ${reading.model}.`, reading.maxOutputTokens);
  }
}

/** A text cut to the client's limit, and finished as the provider would then say. */
export function limitReply(text: string, maxOutputTokens: number | undefined): UpstreamReply {
  const longest = maxOutputTokens === undefined ? Infinity : maxOutputTokens * 4;
  return text.length <= longest ? { text } : { text: text.slice(0, longest), finish: 'length' };
}
