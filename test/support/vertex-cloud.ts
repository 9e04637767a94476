import { once } from 'node:events';
import { createServer, request as send, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createScriptedUpstream, type ScriptedUpstream } from 'nestjs-llm-router/testing';

/** A request as it reached Vertex AI. */
export interface VertexRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Readonly<Record<string, unknown>>;
}

/**
 * Vertex AI on this machine, and the metadata server of its credentials. It lets in whom it gave a token, holds paths and
 * bodies against what Vertex AI takes, and leaves the answer to the scripted upstreams of Gemini and Anthropic.
 */
export interface VertexCloud {
  readonly url: string;
  /** For `GCE_METADATA_HOST`. */
  readonly metadataHost: string;
  readonly gemini: ScriptedUpstream;
  readonly claude: ScriptedUpstream;
  readonly requests: readonly VertexRequest[];
  /** How many tokens were asked for. */
  readonly tokenCount: number;
  /** Lives of the next tokens, in seconds; then an hour each. */
  lifetimes: number[];
  /** What the metadata server does with the next requests for a token. */
  onToken: ((response: ServerResponse) => void) | undefined;
  /** Tokens given so far are refused from now on. */
  revoke(): void;
  close(): Promise<void>;
}

const MODELS =
  /^\/v1(?:\/projects\/([^/]+)\/locations\/([^/]+))?\/publishers\/(google|anthropic)\/models\/([^/:]+):(\w+)(\?alt=sse)?$/;

export async function createVertexCloud(apiKey?: string): Promise<VertexCloud> {
  const gemini = await createScriptedUpstream({ api: 'gemini' });
  const claude = await createScriptedUpstream({ api: 'anthropic' });
  const requests: VertexRequest[] = [];
  const valid = new Set<string>();
  let tokenCount = 0;

  const metadata = createServer((request, response) => {
    request.resume();
    if (request.headers['metadata-flavor'] !== 'Google') {
      response.writeHead(403).end();
      return;
    }
    response.setHeader('metadata-flavor', 'Google');
    if (request.url?.startsWith('/computeMetadata/v1/project/project-id')) {
      response.end('project-of-credentials');
      return;
    }
    if (!request.url?.startsWith('/computeMetadata/v1/instance/service-accounts/default/token')) {
      response.writeHead(404).end();
      return;
    }
    tokenCount += 1;
    if (cloud.onToken !== undefined) {
      cloud.onToken(response);
      return;
    }
    const token = `ya29.secret-token-${tokenCount}`;
    valid.add(token);
    response.end(
      JSON.stringify({
        access_token: token,
        expires_in: cloud.lifetimes.shift() ?? 3600,
        token_type: 'Bearer',
      }),
    );
  });

  const take = (request: IncomingMessage, text: string, response: ServerResponse): void => {
    const body = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>;
    const { method = '', url: path = '', headers } = request;
    requests.push({ method, path, headers, body });
    const token = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1];
    const isLetIn = token === undefined ? headers['x-goog-api-key'] === apiKey : valid.has(token);
    const [, project, , publisher, model = '', action = '', query = ''] = MODELS.exec(path) ?? [];
    if (!isLetIn) {
      refuse(response, 401, 'UNAUTHENTICATED', `invalid credentials: ${String(token)}`);
    } else if (method === 'GET' && path === '/v1beta1/publishers/google/models?pageSize=1') {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"publisherModels":[]}');
    } else if (method !== 'POST' || publisher === undefined || project === '-') {
      refuse(response, 404, 'NOT_FOUND', 'x');
    } else if (publisher === 'google') {
      // What v1 says to ids of calls.
      if (/"function(?:Call|Response)":\{"id":/.test(text)) {
        refuse(response, 400, 'INVALID_ARGUMENT', 'Unknown name "id" at function_call: Cannot find field.');
      } else {
        forward(gemini.origin, `/v1beta/models/${model}:${action}${query}`, {}, body, response);
      }
    } else {
      const { anthropic_version: version, ...rest } = body;
      const isStream = action === 'streamRawPredict';
      if (version !== 'vertex-2023-10-16' || 'model' in rest || isStream !== (rest.stream === true)) {
        refuse(response, 400, 'INVALID_ARGUMENT', 'x');
      } else {
        const asked = { ...rest, model: decodeURIComponent(model) };
        forward(claude.origin, '/v1/messages', { 'anthropic-version': '2023-06-01' }, asked, response);
      }
    }
  };
  const front = createServer((request, response) => {
    void readText(request).then((text) => {
      take(request, text, response);
    });
  });

  for (const server of [metadata, front]) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  }
  const hostOf = (server: typeof front): string => `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const cloud: VertexCloud = {
    url: `http://${hostOf(front)}`,
    metadataHost: hostOf(metadata),
    gemini,
    claude,
    requests,
    get tokenCount() {
      return tokenCount;
    },
    lifetimes: [],
    onToken: undefined,
    revoke: () => {
      valid.clear();
    },
    close: async () => {
      for (const server of [metadata, front]) {
        server.closeAllConnections();
        server.close();
        await once(server, 'close');
      }
      await Promise.all([gemini.close(), claude.close()]);
    },
  };
  return cloud;
}

async function readText(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const piece of request as AsyncIterable<Buffer>) text += piece.toString();
  return text;
}

function refuse(response: ServerResponse, code: number, status: string, message: string): void {
  response.writeHead(code, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ error: { code, status, message } }));
}

function forward(
  origin: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body: object,
  response: ServerResponse,
): void {
  const upstream = send(
    `${origin}${path}`,
    { method: 'POST', headers: { 'content-type': 'application/json', ...headers } },
    (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
      answer.on('error', () => response.destroy());
    },
  );
  upstream.on('error', () => response.destroy());
  response.on('close', () => upstream.destroy());
  upstream.end(JSON.stringify(body));
}
