import type { IncomingHttpHeaders } from 'node:http';
import { countOf, isRecord, listOf, recordOf, recordsOf, stringOf, type JsonRecord } from './json-value.js';
import type { UpstreamToolChoice } from './scripted-upstream.interface.js';
import { simulatedVector } from './simulated-vector.js';
import { groupPieces, splitIntoTokens } from './token-estimate.js';
import {
  UpstreamRefusal,
  type OutputWish,
  type StreamPiece,
  type UpstreamAnswer,
  type UpstreamDocument,
  type UpstreamProblem,
  type UpstreamReading,
  type UpstreamRoute,
  type UpstreamWire,
} from './upstream-wire.interface.js';

/** Google's JSON takes every name in camelCase and in snake_case; these are the camelCase ones. */
const KNOWN_FIELDS = namesOf(
  `cachedContent contents generationConfig model safetySettings serviceTier store systemInstruction toolConfig tools`,
);
const KNOWN_GENERATION_FIELDS = namesOf(
  `audioTimestamp candidateCount enableAffectiveDialog enableEnhancedCivicAnswers frequencyPenalty imageConfig logprobs
  maxOutputTokens mediaResolution modelSelectionConfig presencePenalty responseFormat responseJsonSchema
  responseLogprobs responseMimeType responseModalities responseSchema routingConfig seed speechConfig stopSequences
  temperature thinkingConfig topK topP`,
);
const KNOWN_DECLARATION_FIELDS = namesOf(
  'behavior description name parameters parametersJsonSchema response responseJsonSchema',
);
/** JSON Schema's words that Google's own schema type, an OpenAPI subset, does not have. */
const FOREIGN_SCHEMA_FIELDS = [
  '$schema',
  '$defs',
  'const',
  'allOf',
  'oneOf',
  'not',
  'strict',
  'patternProperties',
];

/** Models from the third generation on give their calls ids and want their signatures back. */
const SIGNING_MODEL = /^gemini-(?:[3-9]|\d\d)/;
const FUNCTION_NAME = /^[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}$/;
const TOKENS_A_CHUNK = 4;
/** Looks like a signature; what it signs is nothing. */
const SIGNATURE = Buffer.from('simulated thought signature').toString('base64');

/**
 * Google's generateContent, seen from the server. Streams end their lines with CRLF as most recordings do, repeat the
 * running totals of usage in every chunk, bring a function call whole, and say STOP after one. Without `alt=sse` a
 * stream is one JSON array sent in pieces.
 */
export const geminiWire: UpstreamWire = {
  api: 'gemini',
  basePath: '',
  defaultModels: ['gemini-2.5-pro', 'gemini-2.5-flash', 'gemini-2.5-flash-lite'],

  route(method, path, query): UpstreamRoute | undefined {
    if (method === 'GET' && path === '/v1beta/models') return { kind: 'models' };
    const embedded = /^\/v1beta\/models\/([^/:]+):batchEmbedContents$/.exec(path);
    if (method === 'POST' && embedded !== null) {
      return { kind: 'embed', model: decodeSegment(embedded[1] ?? '') };
    }
    const match = /^\/v1beta\/models\/([^/:]+):(generateContent|streamGenerateContent)$/.exec(path);
    if (method !== 'POST' || match === null) return undefined;
    return {
      kind: 'generate',
      model: decodeSegment(match[1] ?? ''),
      streamed: match[2] === 'streamGenerateContent',
      serverSentEvents: query.get('alt') === 'sse',
    };
  },

  keyOf(headers: IncomingHttpHeaders, query): string | undefined {
    const key = headers['x-goog-api-key'];
    return typeof key === 'string' ? key : (query.get('key') ?? undefined);
  },

  refuseKey(): never {
    throw new UpstreamRefusal({
      status: 400,
      message: 'API key not valid. Please pass a valid API key.',
      code: 'API_KEY_INVALID',
    });
  },

  malformedBody(): UpstreamProblem {
    return { status: 400, message: 'Invalid JSON payload received. Unexpected token.' };
  },

  inspect(body, _headers, _route, allowUnknownFields): void {
    const generation = recordOf(field(body, 'generationConfig'));
    if (!allowUnknownFields) {
      refuseUnknown(body, KNOWN_FIELDS);
      refuseUnknown(generation, KNOWN_GENERATION_FIELDS, 'generation_config');
    }
    for (const name of ['maxOutputTokens', 'candidateCount']) {
      const value = field(generation, name);
      if (value !== undefined && countOf(value) === undefined) {
        throw refusal(`Invalid value at 'generation_config.${snake(name)}': must be a positive integer.`);
      }
    }
    const temperature = field(generation, 'temperature');
    if (
      temperature !== undefined &&
      !(typeof temperature === 'number' && temperature >= 0 && temperature <= 2)
    ) {
      throw refusal(
        'Unable to submit request because it has a temperature outside the supported range from 0 (inclusive) to 2 (inclusive).',
      );
    }
    inspectSystem(field(body, 'systemInstruction'));
    inspectContents(body.contents);
    inspectTools(body, allowUnknownFields);
  },

  read(body, route): UpstreamReading {
    const generation = recordOf(field(body, 'generationConfig'));
    const declarations = declarationsOf(body);
    const calling = callingOf(body);
    const contents = recordsOf(body.contents);
    const lastUser = contents.findLast((content) => content.role !== 'model' && textOf(content) !== '');
    return {
      model: route.kind === 'generate' ? (route.model ?? '') : '',
      streamed: route.kind === 'generate' && route.streamed === true,
      tools: declarations.map((declaration) => stringOf(declaration.name)),
      toolChoice: calling.choice,
      lastUserText: lastUser === undefined ? '' : textOf(lastUser),
      maxOutputTokens: countOf(field(generation, 'maxOutputTokens')),
      wish: readWish(generation, declarations, calling),
      choices: Math.min(countOf(field(generation, 'candidateCount')) ?? 1, 8),
      prompt: [field(body, 'systemInstruction'), body.contents, body.tools],
    };
  },

  inspectReading(body, reading): void {
    const calling = callingOf(body);
    const missing = calling.allowed.find((name) => !reading.tools.includes(name));
    if (missing !== undefined) {
      throw refusal(
        `Function calling config is set to ANY with an allowed function name that is not declared: ${missing}`,
      );
    }
    if (calling.choice === 'required' && reading.tools.length === 0) {
      throw refusal('Function calling mode is enabled, but no function declarations are provided.');
    }
    if (SIGNING_MODEL.test(reading.model)) inspectSignatures(recordsOf(body.contents));
  },

  document(answer): UpstreamDocument {
    const parts = [...(answer.text === '' ? [] : [{ text: answer.text }]), ...callParts(answer)];
    const content = parts.length === 0 ? { role: 'model' } : { parts, role: 'model' };
    const candidates = Array.from({ length: answer.choices }, (_, index) => ({
      content,
      finishReason: finishOf(answer),
      index,
      ...safetyOf(answer),
    }));
    return {
      status: 200,
      headers: { 'content-type': 'application/json; charset=UTF-8' },
      body: { candidates, usageMetadata: usageOf(answer, answer.usage.completionTokens), ...trailer(answer) },
    };
  },

  embed(body): UpstreamDocument {
    const requests = recordsOf(body.requests);
    if (requests.length === 0) {
      throw refusal('* BatchEmbedContentsRequest.requests: contents is not specified');
    }
    const embeddings = requests.map((request) => {
      const values = simulatedVector(
        textOf(recordOf(request.content)),
        countOf(request.outputDimensionality),
      );
      // Google brings shortened vectors to no length.
      return {
        values: request.outputDimensionality === undefined ? values : values.map((value) => value / 2),
      };
    });
    return {
      status: 200,
      headers: { 'content-type': 'application/json; charset=UTF-8' },
      body: { embeddings },
    };
  },

  streamHeaders(_answer, route): Readonly<Record<string, string>> {
    return { 'content-type': isEvents(route) ? 'text/event-stream' : 'application/json; charset=UTF-8' };
  },

  stream(answer, route): StreamPiece[] {
    const pieces: StreamPiece[] = [];
    const asEvents = isEvents(route);
    const texts = groupPieces(splitIntoTokens(answer.text), TOKENS_A_CHUNK);
    const calls = callParts(answer);
    const whole = texts.length + calls.length;
    const push = (part: StreamPiece['part'], parts: readonly JsonRecord[], characters: number): void => {
      const closing = part === 'closing';
      const done = closing ? 1 : (pieces.length + 1) / whole;
      const candidate = {
        content: { parts, role: 'model' },
        ...(closing ? { finishReason: finishOf(answer), ...safetyOf(answer) } : {}),
        index: 0,
      };
      const chunk = {
        candidates: [candidate],
        usageMetadata: usageOf(answer, Math.ceil(answer.usage.completionTokens * done)),
        ...trailer(answer),
      };
      const json = JSON.stringify(chunk);
      const framed = `${pieces.length === 0 ? '[' : ',\r\n'}${json}${closing ? ']\n' : ''}`;
      pieces.push({ data: asEvents ? `data: ${json}\r\n\r\n` : framed, part, characters });
    };
    for (const text of texts) push('content', [{ text }], text.length);
    for (const call of calls) push('content', [call], JSON.stringify(call.functionCall).length);
    push('closing', [{ text: '' }], 0);
    return pieces;
  },

  streamError(route): string {
    const body = { error: { code: 503, message: usualMessage(503), status: 'UNAVAILABLE' } };
    return isEvents(route) ? `data: ${JSON.stringify(body)}\r\n\r\n` : `,\r\n${JSON.stringify(body)}]\n`;
  },

  problem(problem, _identifier, route): UpstreamDocument {
    const headers: Record<string, string> = { 'content-type': 'application/json; charset=UTF-8' };
    const details: JsonRecord[] = [];
    if (problem.code !== undefined) {
      details.push({
        '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
        reason: problem.code,
        domain: 'googleapis.com',
        metadata: { service: 'generativelanguage.googleapis.com' },
      });
    }
    if (problem.retryAfterSeconds !== undefined) {
      headers['retry-after'] = String(problem.retryAfterSeconds);
      details.push({
        '@type': 'type.googleapis.com/google.rpc.RetryInfo',
        retryDelay: `${problem.retryAfterSeconds}s`,
      });
    }
    const error = {
      code: problem.status,
      message: problem.message ?? usualMessage(problem.status),
      status: STATUS_NAMES.get(problem.status) ?? (problem.status >= 500 ? 'INTERNAL' : 'INVALID_ARGUMENT'),
      ...(details.length > 0 ? { details } : {}),
    };
    const inArray = route?.kind === 'generate' && route.streamed === true && !route.serverSentEvents;
    return { status: problem.status, headers, body: inArray ? [{ error }] : { error } };
  },

  listModels(names): UpstreamDocument {
    const models = names.map((name) => ({
      name: `models/${name}`,
      version: '001',
      displayName: name,
      description: 'A simulated model.',
      inputTokenLimit: 1048576,
      outputTokenLimit: 65536,
      supportedGenerationMethods: ['generateContent'],
    }));
    return {
      status: 200,
      headers: { 'content-type': 'application/json; charset=UTF-8' },
      body: { models },
    };
  },
};

const STATUS_NAMES = new Map([
  [400, 'INVALID_ARGUMENT'],
  [401, 'UNAUTHENTICATED'],
  [403, 'PERMISSION_DENIED'],
  [404, 'NOT_FOUND'],
  [409, 'ABORTED'],
  [429, 'RESOURCE_EXHAUSTED'],
  [499, 'CANCELLED'],
  [500, 'INTERNAL'],
  [501, 'UNIMPLEMENTED'],
  [503, 'UNAVAILABLE'],
  [504, 'DEADLINE_EXCEEDED'],
]);

function usualMessage(status: number): string {
  switch (status) {
    case 403:
      return 'The caller does not have permission';
    case 404:
      return 'The model is not found for API version v1beta, or is not supported for generateContent.';
    case 429:
      return 'You exceeded your current quota, please check your plan and billing details.';
    case 500:
      return 'An internal error has occurred.';
    case 503:
      return 'The model is overloaded. Please try again later.';
    case 504:
      return 'Deadline expired before operation could complete.';
    default:
      return `Simulated error ${status}.`;
  }
}

function namesOf(words: string): ReadonlySet<string> {
  return new Set(words.split(/\s+/).flatMap((name) => [name, snake(name)]));
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** A member by its camelCase name, in either spelling. */
function field(record: JsonRecord, name: string): unknown {
  return record[name] ?? record[snake(name)];
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function refusal(message: string): UpstreamRefusal {
  return new UpstreamRefusal({ status: 400, message });
}

function refuseUnknown(record: JsonRecord, known: ReadonlySet<string>, place?: string): void {
  const unknown = Object.keys(record).find((name) => !known.has(name));
  if (unknown === undefined) return;
  const where = place === undefined ? '' : ` at '${place}'`;
  throw refusal(`Invalid JSON payload received. Unknown name "${unknown}"${where}: Cannot find field.`);
}

function isEvents(route: UpstreamRoute): boolean {
  return route.kind === 'generate' && route.serverSentEvents;
}

function partsOf(content: JsonRecord): JsonRecord[] {
  // A single part may stand without its list, as recordings show for system instructions.
  return isRecord(content.parts) ? [content.parts] : recordsOf(content.parts);
}

function textOf(content: JsonRecord): string {
  return partsOf(content)
    .filter((part) => part.thought !== true)
    .map((part) => stringOf(part.text))
    .join('');
}

function declarationsOf(body: JsonRecord): JsonRecord[] {
  return recordsOf(body.tools).flatMap((tool) => recordsOf(field(tool, 'functionDeclarations')));
}

interface Calling {
  readonly choice: UpstreamToolChoice | undefined;
  readonly allowed: readonly string[];
}

function callingOf(body: JsonRecord): Calling {
  const config = recordOf(field(recordOf(field(body, 'toolConfig')), 'functionCallingConfig'));
  const allowed = listOf(field(config, 'allowedFunctionNames')).map(stringOf);
  switch (stringOf(config.mode).toUpperCase()) {
    case 'AUTO':
    case 'VALIDATED':
      return { choice: 'auto', allowed: [] };
    case 'NONE':
      return { choice: 'none', allowed: [] };
    case 'ANY': {
      const [only] = allowed;
      return { choice: allowed.length === 1 && only !== undefined ? { name: only } : 'required', allowed };
    }
    default:
      return { choice: undefined, allowed: [] };
  }
}

function readWish(generation: JsonRecord, declarations: readonly JsonRecord[], calling: Calling): OutputWish {
  if (calling.choice === 'required' || typeof calling.choice === 'object') {
    const forced = declarations.find(
      (declaration) => calling.allowed.length === 0 || calling.allowed.includes(stringOf(declaration.name)),
    );
    if (forced !== undefined) {
      const schema = field(forced, 'parametersJsonSchema') ?? forced.parameters;
      return { kind: 'tool', name: stringOf(forced.name), schema };
    }
  }
  if (field(generation, 'responseMimeType') === 'application/json') {
    const schema = field(generation, 'responseJsonSchema') ?? field(generation, 'responseSchema');
    return { kind: 'json', schema: schema ?? SOME_JSON };
  }
  return { kind: 'text' };
}

const SOME_JSON = { type: 'object', required: ['simulated'], properties: { simulated: { const: true } } };

/** Function calls as parts; where the model signs, the first of them carries the signature for all. */
function callParts(answer: UpstreamAnswer): JsonRecord[] {
  const signs = SIGNING_MODEL.test(answer.model);
  return answer.toolCalls.map((call, position) => ({
    functionCall: {
      name: call.name,
      args: call.arguments,
      ...(signs ? { id: call.identifier.toLowerCase() } : {}),
    },
    ...(signs && position === 0 ? { thoughtSignature: SIGNATURE } : {}),
  }));
}

function finishOf(answer: UpstreamAnswer): string {
  switch (answer.finish) {
    case 'length':
      return 'MAX_TOKENS';
    case 'content_filter':
      return 'SAFETY';
    case 'stop':
    case 'tool_calls':
      return 'STOP';
  }
}

function safetyOf(answer: UpstreamAnswer): JsonRecord {
  if (answer.finish !== 'content_filter') return {};
  return {
    safetyRatings: [{ category: 'HARM_CATEGORY_DANGEROUS_CONTENT', probability: 'HIGH', blocked: true }],
  };
}

function usageOf(answer: UpstreamAnswer, candidatesTokens: number): JsonRecord {
  const { promptTokens, cachedTokens } = answer.usage;
  return {
    promptTokenCount: promptTokens,
    // Left out where nothing was produced, as the real one does.
    ...(candidatesTokens > 0 ? { candidatesTokenCount: candidatesTokens } : {}),
    totalTokenCount: promptTokens + candidatesTokens,
    ...(cachedTokens > 0 ? { cachedContentTokenCount: cachedTokens } : {}),
    promptTokensDetails: [{ modality: 'TEXT', tokenCount: promptTokens }],
  };
}

function trailer(answer: UpstreamAnswer): JsonRecord {
  return { modelVersion: answer.model, responseId: answer.identifier };
}

function inspectSystem(system: unknown): void {
  if (system === undefined || typeof system === 'string') return;
  const parts = partsOf(recordOf(system));
  if (parts.length === 0 && typeof recordOf(system).parts !== 'string') {
    throw refusal('* GenerateContentRequest.system_instruction.parts: contents.parts must not be empty.');
  }
}

function inspectContents(value: unknown): void {
  const contents = isRecord(value) ? [value] : recordsOf(value);
  if (contents.length === 0) {
    throw refusal('* GenerateContentRequest.contents: contents is not specified\n');
  }
  let calls = 0;
  let before: unknown;
  for (const [position, content] of contents.entries()) {
    const path = `contents[${position}]`;
    // A single turn may leave its role out.
    const role = content.role ?? (contents.length === 1 ? 'user' : undefined);
    if (role !== 'user' && role !== 'model') throw refusal('Please use a valid role: user, model.');
    const parts = partsOf(content);
    if (parts.length === 0) {
      throw refusal(`* GenerateContentRequest.${path}.parts: contents.parts must not be empty.`);
    }
    for (const [index, part] of parts.entries()) inspectPart(part, `${path}.parts[${index}]`);
    const newCalls = parts.filter((part) => field(part, 'functionCall') !== undefined).length;
    const responses = parts.filter((part) => field(part, 'functionResponse') !== undefined).length;
    if (newCalls > 0 && (role !== 'model' || before !== 'user')) {
      throw refusal(
        'Please ensure that function call turn comes immediately after a user turn or after a function response turn.',
      );
    }
    if (responses > 0 && calls === 0) {
      throw refusal(
        'Please ensure that function response turn comes immediately after a function call turn.',
      );
    }
    if (responses !== calls && (responses > 0 || calls > 0)) {
      throw refusal(
        'Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.',
      );
    }
    calls = newCalls;
    before = role;
  }
}

const PART_DATA = [
  'text',
  'inlineData',
  'fileData',
  'functionCall',
  'functionResponse',
  'executableCode',
  'codeExecutionResult',
  'toolCall',
  'toolResponse',
];

function inspectPart(part: JsonRecord, path: string): void {
  const hasData = PART_DATA.some((name) => field(part, name) !== undefined);
  if (!hasData && field(part, 'thoughtSignature') === undefined) {
    throw refusal(
      `* GenerateContentRequest.${path}.data: required oneof field 'data' must have one initialized field`,
    );
  }
  for (const [name, member] of [
    ['functionCall', 'args'],
    ['functionResponse', 'response'],
  ] as const) {
    const value = field(part, name);
    if (value === undefined) continue;
    const named = recordOf(value);
    if (stringOf(named.name) === '') {
      throw refusal(`* GenerateContentRequest.${path}.${snake(name)}.name: Name cannot be empty.\n`);
    }
    const needsMember = name === 'functionResponse' || named[member] !== undefined;
    if (needsMember && !isRecord(named[member])) {
      throw refusal(
        `Invalid value at '${path}.${snake(name)}.${member}' (type.googleapis.com/google.protobuf.Struct)`,
      );
    }
  }
}

/** In the turn that is going on, the first call of every step must bring its signature back. */
function inspectSignatures(contents: readonly JsonRecord[]): void {
  const turnStart = contents.findLastIndex((content) => content.role === 'user' && textOf(content) !== '');
  for (const [position, content] of contents.entries()) {
    if (position < turnStart || content.role !== 'model') continue;
    const first = partsOf(content).find((part) => field(part, 'functionCall') !== undefined);
    if (first === undefined || stringOf(field(first, 'thoughtSignature')) !== '') continue;
    throw refusal(
      'Function call is missing a thought_signature in functionCall parts. This is required for tools to work ' +
        `correctly. Function call \`default_api:${stringOf(recordOf(field(first, 'functionCall')).name)}\`, position ${position + 1}.`,
    );
  }
}

function inspectTools(body: JsonRecord, allowUnknownFields: boolean): void {
  const names = new Set<unknown>();
  for (const [position, declaration] of declarationsOf(body).entries()) {
    const path = `tools[0].function_declarations[${position}]`;
    if (!FUNCTION_NAME.test(stringOf(declaration.name))) {
      throw refusal(
        `* GenerateContentRequest.${path}.name: Invalid function name. Must start with a letter or an underscore.`,
      );
    }
    if (names.has(declaration.name)) {
      throw refusal(`Duplicate function declaration found: ${stringOf(declaration.name)}`);
    }
    names.add(declaration.name);
    if (allowUnknownFields) continue;
    refuseUnknown(declaration, KNOWN_DECLARATION_FIELDS, path);
    refuseForeignSchema(declaration.parameters, `${path}.parameters`, 0);
  }
  const schema = field(recordOf(field(body, 'generationConfig')), 'responseSchema');
  if (!allowUnknownFields) refuseForeignSchema(schema, 'generation_config.response_schema', 0);
}

function refuseForeignSchema(schema: unknown, path: string, depth: number): void {
  if (!isRecord(schema) || depth > 32) return;
  const foreign = FOREIGN_SCHEMA_FIELDS.find((name) => Object.hasOwn(schema, name));
  if (foreign !== undefined) {
    throw refusal(
      `Invalid JSON payload received. Unknown name "${foreign}" at '${path}': Cannot find field.`,
    );
  }
  if (Array.isArray(schema.type)) {
    throw refusal(`Invalid value at '${path}.type': Proto field is not repeating, cannot start list.`);
  }
  if (schema.type === 'array' && schema.items === undefined) {
    throw refusal(`* GenerateContentRequest.${path}.items: missing field.`);
  }
  for (const [name, member] of Object.entries(recordOf(schema.properties))) {
    refuseForeignSchema(member, `${path}.properties[${name}]`, depth + 1);
  }
  refuseForeignSchema(schema.items, `${path}.items`, depth + 1);
  for (const member of listOf(field(schema, 'anyOf')))
    refuseForeignSchema(member, `${path}.any_of`, depth + 1);
}
