import type { IncomingMessage, ServerResponse } from 'node:http';

/** Node's own request and response, whichever platform carries them. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

interface FastifyRequestLike {
  readonly raw: IncomingMessage;
}

interface FastifyReplyLike {
  readonly raw: ServerResponse;
  hijack(): unknown;
  getHeaders(): Record<string, number | string | string[] | undefined>;
}

function isFastifyReply(response: unknown): response is FastifyReplyLike {
  return typeof response === 'object' && response !== null && 'hijack' in response && 'raw' in response;
}

/**
 * Takes an exchange over from the platform. We write to Node's response ourselves: the host's interceptors and filters
 * cannot wrap an answer whose shape is OpenAI's, and a stream keeps its back-pressure.
 */
export function takeOver(request: unknown, response: unknown): Exchange {
  if (isFastifyReply(response)) {
    response.hijack();
    // Set by the host's plugins on the way (helmet, CORS); a hijacked reply would lose them.
    for (const [name, value] of Object.entries(response.getHeaders())) {
      if (value !== undefined) response.raw.setHeader(name, value);
    }
    return { request: (request as FastifyRequestLike).raw, response: response.raw };
  }
  return { request: request as IncomingMessage, response: response as ServerResponse };
}
