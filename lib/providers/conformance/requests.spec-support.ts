import { describe, expect, it } from 'vitest';
import { validateChatRequest } from '../../chat/validate-chat-request.js';
import { adapterFor } from '../adapter-registry.js';
import { isJsonObject, type JsonObject } from '../json-reading.js';
import { askedOfAnthropic } from './ask-anthropic.spec-support.js';
import { askedOfGemini } from './ask-gemini.spec-support.js';
import { complaintsOfRequest } from './provider-schemas.spec-support.js';
import { type Recording, scopeOf } from './recordings.spec-support.js';
import type { ConformanceReport } from './report.spec-support.js';
import type { RequestCase } from './request-case.spec-support.js';
import { saidInAnthropic } from './said-anthropic.spec-support.js';
import { saidInGemini } from './said-gemini.spec-support.js';
import { PLAIN_CALL } from './translate.spec-support.js';

/** The router's own word, wherever the client stands. */
const ROUTED = ['model', 'stream', 'stream_options', 'max_tokens', 'max_completion_tokens'];

/** Every recorded request, asked by an OpenAI client, says the same on the provider's wire. */
export function describeRequests(report: ConformanceReport): void {
  const withBody = report.inScope.filter(({ request }) => isJsonObject(request?.body));
  const ofWire = (wire: string): Recording[] =>
    withBody.filter((recording) => scopeOf(recording)!.wire === wire);

  describe('requests', () => {
    it.each(ofWire('anthropic'))('$id', (recording) => {
      const recorded = recording.request!.body as JsonObject;
      const built = build(recording, askedOfAnthropic(recorded)) as JsonObject;
      expect(complaintsOfRequest('anthropic', built)).toEqual([]);
      expect(saidInAnthropic(built, refuse)).toEqual(
        saidInAnthropic(recorded, (piece) => {
          report.leaveOut(recording, piece);
        }),
      );
      expect(built.model).toBe(recorded.model);
      report.pass(recording, 'requests');
    });

    it.each(ofWire('gemini'))('$id', (recording) => {
      const recorded = recording.request!.body as JsonObject;
      const built = build(recording, askedOfGemini(recorded, recording.request!.path ?? '')) as JsonObject;
      expect(complaintsOfRequest('gemini', built)).toEqual([]);
      expect(saidInGemini(built, refuse)).toEqual(
        saidInGemini(recorded, (piece) => {
          report.leaveOut(recording, piece);
        }),
      );
      report.pass(recording, 'requests');
    });

    it.each(ofWire('openai'))('$id', (recording) => {
      const recorded = recording.request!.body as JsonObject;
      const built = build(recording, {
        request: recorded as never,
        upstreamModel: String(recorded.model),
        stream: recorded.stream === true,
      }) as JsonObject;
      const rest = (body: JsonObject): object =>
        Object.fromEntries(Object.entries(body).filter(([name]) => !ROUTED.includes(name)));
      expect(rest(built)).toEqual(rest(recorded));
      expect(built.max_completion_tokens ?? built.max_tokens).toBe(
        recorded.max_completion_tokens ?? recorded.max_tokens ?? undefined,
      );
      expect(built.stream).toBe(recorded.stream === true);
      report.pass(recording, 'requests');
    });
  });
}

function build(recording: Recording, { request, upstreamModel, stream }: RequestCase): unknown {
  const { body } = adapterFor(scopeOf(recording)!.api).buildRequest({
    ...PLAIN_CALL,
    request: validateChatRequest(request),
    upstreamModel,
    stream,
  });
  return JSON.parse(JSON.stringify(body)) as unknown;
}

/** Ours says nothing that OpenAI's shape has no word for. */
function refuse(piece: string): void {
  // Gemini 3 wants one on every replayed call.
  if (!piece.startsWith('gemini thoughtSignature')) throw new Error(`Nobody asked for ${piece}`);
}
