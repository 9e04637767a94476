import type { IncomingHttpHeaders } from 'node:http';
import { isRecord, listOf, recordOf, type JsonRecord } from './json-value.js';
import { openAiWire } from './openai.wire.js';
import {
  UpstreamRefusal,
  type StreamPiece,
  type UpstreamAnswer,
  type UpstreamDocument,
  type UpstreamReading,
  type UpstreamRoute,
  type UpstreamWire,
} from './upstream-wire.interface.js';

const CLASSIC_PATH = /^\/openai\/deployments\/([^/]+)\/(chat\/completions|embeddings)$/;
const VERDICT = {
  hate: { filtered: false, severity: 'safe' },
  self_harm: { filtered: false, severity: 'safe' },
  sexual: { filtered: false, severity: 'safe' },
  violence: { filtered: false, severity: 'safe' },
};

/**
 * Azure OpenAI's chat completions, seen from the server, in both forms: the classic one with the deployment in the path
 * and a dated `api-version`, and v1 with the deployment in the body. Around OpenAI's answers stand the verdicts of the
 * content filter, in streams on a first chunk without choices; errors follow the recorded ones.
 */
export const azureOpenAiWire: UpstreamWire = {
  ...openAiWire,
  api: 'azure-openai',
  basePath: '',

  route(method, path, query): UpstreamRoute | undefined {
    if (method === 'GET' && (path === '/openai/v1/models' || path === '/openai/models'))
      return { kind: 'models' };
    if (method !== 'POST') return undefined;
    const version = query.get('api-version');
    if (path === '/openai/v1/chat/completions') {
      const isKnown = version === null || version === 'v1' || version === 'preview';
      return isKnown ? { kind: 'generate', serverSentEvents: true } : undefined;
    }
    if (path === '/openai/v1/embeddings') return { kind: 'embed' };
    const [, deployment, operation] = CLASSIC_PATH.exec(path) ?? [];
    return deployment !== undefined && /^\d{4}-\d{2}-\d{2}(?:-preview)?$/.test(version ?? '')
      ? operation === 'embeddings'
        ? { kind: 'embed', model: decodeURIComponent(deployment) }
        : { kind: 'generate', serverSentEvents: true, model: decodeURIComponent(deployment) }
      : undefined;
  },

  keyOf(headers: IncomingHttpHeaders): string | undefined {
    const key = headers['api-key'];
    return typeof key === 'string' ? key : undefined;
  },

  refuseKey(): never {
    throw new UpstreamRefusal({ status: 401 });
  },

  inspect(body, headers, route, allowUnknownFields): void {
    openAiWire.inspect(withDeployment(body, route), headers, route, allowUnknownFields);
  },

  read(body, route): UpstreamReading {
    return openAiWire.read(withDeployment(body, route), route);
  },

  document(answer): UpstreamDocument {
    const { status, body } = openAiWire.document(answer);
    const document = recordOf(body);
    return {
      status,
      headers: { 'content-type': 'application/json', ...commonHeaders(answer) },
      body: {
        ...document,
        choices: withVerdicts(document.choices),
        prompt_filter_results: [{ prompt_index: 0, content_filter_results: VERDICT }],
      },
    };
  },

  streamHeaders(answer): Readonly<Record<string, string>> {
    return { 'content-type': 'text/event-stream', ...commonHeaders(answer) };
  },

  stream(answer, route): StreamPiece[] {
    const prompt = {
      choices: [],
      created: 0,
      id: '',
      model: '',
      object: '',
      prompt_filter_results: [{ prompt_index: 0, content_filter_results: VERDICT }],
    };
    const first: StreamPiece = { data: event(prompt), part: 'opening', characters: 0 };
    return [
      first,
      ...openAiWire.stream(answer, route).map((piece) => ({
        ...piece,
        data: piece.data.replaceAll(/^data: (\{.*\})$/gm, (_line, json: string) => {
          const chunk = recordOf(JSON.parse(json));
          return `data: ${JSON.stringify({ ...chunk, choices: withVerdicts(chunk.choices) })}`;
        }),
      })),
    ];
  },

  problem(problem, identifier, route): UpstreamDocument {
    const { status, headers, body } = openAiWire.problem(problem, identifier, route);
    const usual = problem.message === undefined ? USUAL_ERRORS.get(status) : undefined;
    const unknownPath = route === undefined ? { code: '404', message: 'Resource not found' } : undefined;
    const azureHeaders: Record<string, string> = {
      'content-type': 'application/json',
      'apim-request-id': identifier,
    };
    if (problem.retryAfterSeconds !== undefined) {
      azureHeaders['retry-after'] = String(problem.retryAfterSeconds);
      azureHeaders['retry-after-ms'] = String(problem.retryAfterSeconds * 1000);
    }
    return {
      status,
      headers: status < 400 ? headers : azureHeaders,
      body: (unknownPath ?? usual) ? { error: unknownPath ?? usual } : body,
    };
  },
};

/** Neither `param` nor, mostly, `type`; the status as a text in `code`. */
const USUAL_ERRORS = new Map<number, JsonRecord>([
  [
    400,
    {
      message:
        "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
      type: null,
      param: 'prompt',
      code: 'content_filter',
      status: 400,
      innererror: {
        code: 'ResponsibleAIPolicyViolation',
        content_filter_result: { ...VERDICT, violence: { filtered: true, severity: 'high' } },
      },
    },
  ],
  [
    401,
    {
      code: '401',
      message: 'Access denied due to invalid subscription key.',
    },
  ],
  [
    404,
    {
      type: 'invalid_request_error',
      code: 'DeploymentNotFound',
      message: 'The API deployment for this resource does not exist.',
    },
  ],
  [429, { code: '429', message: 'Requests have exceeded the call rate limit of your current pricing tier.' }],
]);

function withDeployment(body: JsonRecord, route: UpstreamRoute): JsonRecord {
  // The classic form leaves `model` unread.
  return route.kind === 'generate' && route.model !== undefined ? { ...body, model: route.model } : body;
}

function withVerdicts(choices: unknown): unknown[] {
  return listOf(choices).map((choice) =>
    isRecord(choice) ? { ...choice, content_filter_results: VERDICT } : choice,
  );
}

function event(value: unknown): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}

function commonHeaders(answer: UpstreamAnswer): Record<string, string> {
  return {
    'apim-request-id': answer.identifier,
    'x-ms-region': 'Simulated',
    'x-ms-deployment-name': answer.model,
    'x-ratelimit-remaining-requests': '99',
    'x-ratelimit-remaining-tokens': '99994',
    'x-request-id': answer.identifier,
  };
}
