import { once } from 'node:events';
import { Agent, type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import { afterEach } from 'vitest';
import {
  createScriptedUpstream,
  type ScriptedUpstream,
  type ScriptedUpstreamOptions,
  type UpstreamApi,
} from './index.js';

export const APIS = ['openai', 'azure-openai', 'anthropic', 'gemini'] as const;

/** Upstreams and agents that are closed after each test. */
export function keepOpened(): {
  readonly open: (options: ScriptedUpstreamOptions) => Promise<ScriptedUpstream>;
  readonly newAgent: () => Agent;
} {
  const upstreams: ScriptedUpstream[] = [];
  const agents: Agent[] = [];
  afterEach(async () => {
    await Promise.all(upstreams.splice(0).map((upstream) => upstream.close()));
    for (const agent of agents.splice(0)) agent.destroy();
  });
  return {
    open: async (options) => {
      const upstream = await createScriptedUpstream({
        reply: () => ({ text: 'One two three four five six seven eight.' }),
        ...options,
      });
      upstreams.push(upstream);
      return upstream;
    },
    newAgent: () => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      agents.push(agent);
      return agent;
    },
  };
}

export interface Sending {
  readonly request: ClientRequest;
  readonly response: Promise<IncomingMessage>;
}

const KEY_HEADERS: Record<UpstreamApi, (key: string) => Record<string, string>> = {
  openai: (key) => ({ authorization: `Bearer ${key}` }),
  'azure-openai': (key) => ({ 'api-key': key }),
  anthropic: (key) => ({ 'x-api-key': key }),
  gemini: (key) => ({ 'x-goog-api-key': key }),
};

/** A request over a bare node client, so that what happens to the socket is seen. */
export function send(upstream: ScriptedUpstream, streamed: boolean, agent?: Agent, key?: string): Sending {
  const body = JSON.stringify(
    upstream.api === 'gemini'
      ? { contents: [{ role: 'user', parts: [{ text: 'Hello' }] }] }
      : { model: 'm', max_tokens: 100, stream: streamed, messages: [{ role: 'user', content: 'Hello' }] },
  );
  const paths: Record<UpstreamApi, string> = {
    openai: '/v1/chat/completions',
    'azure-openai': '/openai/deployments/m/chat/completions?api-version=2024-10-21',
    anthropic: '/v1/messages',
    gemini: `/v1beta/models/gemini-2.5-pro:${streamed ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
  };
  const request = httpRequest(`${upstream.origin}${paths[upstream.api]}`, {
    method: 'POST',
    agent: agent ?? false,
    headers: {
      'content-type': 'application/json',
      'anthropic-version': '2023-06-01',
      ...(key === undefined ? {} : KEY_HEADERS[upstream.api](key)),
    },
  });
  const response = once(request, 'response').then(([message]) => message as IncomingMessage);
  response.catch(() => undefined);
  request.end(body);
  return { request, response };
}

/** Everything that arrives, and the error that ended it, if any. */
export async function readAll(
  message: IncomingMessage,
): Promise<{ text: string; error: string | undefined }> {
  let text = '';
  try {
    for await (const chunk of message) text += String(chunk);
    return { text, error: undefined };
  } catch (error) {
    return { text, error: (error as NodeJS.ErrnoException).code };
  }
}

export async function answerTo(
  upstream: ScriptedUpstream,
  streamed = false,
  key?: string,
): Promise<{ status: number; headers: IncomingMessage['headers']; text: string }> {
  const message = await send(upstream, streamed, undefined, key).response;
  return { status: message.statusCode!, headers: message.headers, text: (await readAll(message)).text };
}
