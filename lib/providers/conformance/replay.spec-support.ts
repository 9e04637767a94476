import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ChatCompletion, ChatCompletionChunk } from '../../chat/chat-types.js';
import { LlmRouterError } from '../../errors/llm-router-error.js';
import { errorAnswer, type ErrorAnswer } from '../../pipeline/error-answer.js';
import { RouterEngine } from '../../router/router-engine.js';
import type { ProviderApi } from '../adapter-registry.js';

/** What an upstream sends, byte for byte. */
export interface Replay {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What a client of the router got for it. */
export interface Received {
  readonly completion?: ChatCompletion;
  readonly chunks: readonly ChatCompletionChunk[];
  readonly error?: unknown;
  /** The error as the endpoint answers it. */
  readonly answer?: ErrorAnswer;
}

const QUESTION = { model: 'm', messages: [{ role: 'user', content: 'Hello' }] };

/** A whole router in front of one upstream that sends what it is told: what comes out is what a client sees. */
export class ReplayBench {
  #replay: Replay = { status: 200, body: '' };
  readonly #server: Server = createServer((request, response) => {
    const { status, headers, body } = this.#replay;
    request.resume().once('end', () => {
      response.writeHead(status, headers).end(body);
    });
  });

  async open(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** A router of its own for each exchange: none remembers the failures of another. */
  async ask(api: ProviderApi, replay: Replay, stream: boolean): Promise<Received> {
    this.#replay = replay;
    const { port } = this.#server.address() as AddressInfo;
    const engine = new RouterEngine({
      providers: { p: { api, baseUrl: `http://127.0.0.1:${port}`, apiKey: 'sk-ours' } },
      models: {
        m: {
          provider: 'p',
          upstreamModel: 'm',
          price: { inputPer1M: 1, outputPer1M: 1 },
          contextWindow: 100_000,
          capabilities: ['streaming'],
          quality: 0.8,
        },
      },
      routingRules: { simple_queries: { primary: 'm' }, complex_reasoning: { primary: 'm' } },
      // A recording is judged by itself: the only deployment would be waited for, and asked again.
      execution: { maxAttempts: 1 },
    });
    const chunks: ChatCompletionChunk[] = [];
    try {
      if (!stream) {
        const { completion } = await engine.pipeline.chat(QUESTION);
        return { completion, chunks };
      }
      const routed = await engine.pipeline.stream(QUESTION);
      for await (const chunk of routed.chunks) chunks.push(chunk);
      return { chunks };
    } catch (error) {
      if (!LlmRouterError.isInstance(error)) throw error;
      return { chunks, error, answer: errorAnswer(error) };
    } finally {
      await engine.close();
    }
  }
}
