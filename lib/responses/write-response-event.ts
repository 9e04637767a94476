import type { ResponseStreamEvent } from 'openai/resources/responses/responses';

/** As a server-sent event. The Responses API names its events, which chat completions do not. */
export function writeResponseEvent(event: ResponseStreamEvent): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}
