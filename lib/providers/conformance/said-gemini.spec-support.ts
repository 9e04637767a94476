import { isJsonObject, listOf, objectOf, textOf, type JsonObject } from '../json-reading.js';
import { defined, joinTurns, type LeaveOut, type Turn, typeOfPicture } from './request-case.spec-support.js';

/** What is the user's own, whose names stay as they are. */
const FREE_FORM = [
  'args',
  'response',
  'parameters',
  'parametersJsonSchema',
  'responseSchema',
  'responseJsonSchema',
];

/** Google takes `snake_case` as well: one spelling for both. */
export function inCamelCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inCamelCase);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => {
      const camel = name.replaceAll(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase());
      return [camel, FREE_FORM.includes(camel) ? field : inCamelCase(field)];
    }),
  );
}

/** What Google does not read of a schema: it becomes a word to the model, in the description. */
const UNREAD = ['maxLength', 'minLength', 'pattern'];
/** Words of Google's own, which no client of OpenAI's says. */
const GOOGLE_ONLY = ['property_ordering', 'propertyOrdering'];

/** A schema of Google's own dialect as JSON Schema: types in lower case, words in camel case, no order of properties. */
export function asJsonSchema(value: unknown): unknown {
  if (!isJsonObject(value)) return value;
  const unread = Object.entries(value).filter(([name]) => UNREAD.includes(name));
  const description = unread.map(([name, word]) => `${name}: ${JSON.stringify(word)}`).join(', ');
  return {
    ...Object.fromEntries(
      Object.entries(value)
        .filter(([name]) => !UNREAD.includes(name) && !GOOGLE_ONLY.includes(name))
        // A reference stands alone.
        .filter(([name]) => name !== 'title' || value.$ref === undefined)
        .map(([name, field]) => [name === 'any_of' ? 'anyOf' : name, asJsonSchemaField(name, field)]),
    ),
    ...(description === ''
      ? {}
      : { description: [value.description, `(${description})`].filter(Boolean).join(' ') }),
  };
}

function asJsonSchemaField(name: string, field: unknown): unknown {
  if (name === 'type') return typeof field === 'string' ? field.toLowerCase() : field;
  if (name === 'properties' || name === '$defs') {
    const named = Object.entries(field as object).map(([key, schema]) => [key, asJsonSchema(schema)]);
    return Object.fromEntries(named);
  }
  return Array.isArray(field) ? field.map(asJsonSchema) : asJsonSchema(field);
}

const CONFIG: Readonly<Record<string, true>> = {
  maxOutputTokens: true,
  temperature: true,
  topP: true,
  candidateCount: true,
  stopSequences: true,
  seed: true,
  responseLogprobs: true,
  logprobs: true,
  responseMimeType: true,
};

/** The conversations of Gemini may be a list, one turn, or one text. */
export function turnsOf(contents: unknown): JsonObject[] {
  return [contents]
    .flat()
    .map((content) => (isJsonObject(content) ? content : { role: 'user', parts: [{ text: content }] }));
}

/** Google’s declarations of functions, from one object or a list of them. */
export function declarationsOf(tools: unknown): JsonObject[] {
  return [tools]
    .flat()
    .flatMap((tool) => listOf(objectOf(tool)?.functionDeclarations))
    .map((declaration) => objectOf(declaration)!);
}

/**
 * What a body of `generateContent` says, in a form in which two bodies can be compared. What OpenAI's shape has no word
 * for is named and left out; ids of calls too, which older models do not have.
 */
export function saidInGemini(recorded: JsonObject, leaveOut: LeaveOut): object {
  const body = inCamelCase(recorded) as JsonObject;
  const config = objectOf(body.generationConfig) ?? {};
  const schema = config.responseJsonSchema ?? config.responseSchema;
  for (const field of Object.keys(config)) {
    if (!(field in CONFIG) && field !== 'responseJsonSchema' && field !== 'responseSchema') {
      leaveOut(`gemini generationConfig.${field}`);
    }
  }
  for (const field of Object.keys(body)) {
    if (!['contents', 'systemInstruction', 'tools', 'toolConfig', 'generationConfig'].includes(field)) {
      leaveOut(`gemini ${field}`);
    }
  }
  for (const tool of [body.tools].flat().map((value) => objectOf(value) ?? {})) {
    for (const name of Object.keys(tool)) {
      if (name !== 'functionDeclarations') leaveOut(`gemini tool of Google’s own: ${name}`);
    }
  }
  const calling = objectOf(objectOf(body.toolConfig)?.functionCallingConfig);
  for (const name of Object.keys(objectOf(body.toolConfig) ?? {})) {
    if (name !== 'functionCallingConfig') leaveOut(`gemini toolConfig.${name}`);
  }
  const declarations = declarationsOf(body.tools).map((declaration) =>
    readDeclaration(declaration, leaveOut),
  );
  const system = listOf(objectOf(body.systemInstruction)?.parts);
  const turns = joinTurns(
    turnsOf(body.contents).map(({ role, parts }): Turn => ({
      role: textOf(role) ?? 'user',
      blocks: listOf(parts).flatMap((part) => readPart(objectOf(part)!, leaveOut)),
    })),
  );
  if (calling !== undefined && declarations.length === 0)
    leaveOut('gemini functionCallingConfig without functions');
  return defined({
    // A conversation of system texts alone becomes a question.
    system: turns.length === 0 ? '' : system.map((part) => textOf(objectOf(part)?.text)).join(''),
    turns: turns.length === 0 ? [{ role: 'user', blocks: system }] : turns,
    declarations: declarations.length > 0 ? declarations : undefined,
    calling: calling === undefined || declarations.length === 0 ? undefined : readCalling(calling, leaveOut),
    schema: schema === undefined ? undefined : asJsonSchema(schema),
    ...Object.fromEntries(Object.entries(config).filter(([name]) => name in CONFIG)),
    // One is what there is without a word.
    candidateCount: config.candidateCount === 1 ? undefined : config.candidateCount,
    // So is text.
    responseMimeType: config.responseMimeType === 'text/plain' ? undefined : config.responseMimeType,
  });
}

function readCalling(calling: JsonObject, leaveOut: LeaveOut): object | undefined {
  if (calling.streamFunctionCallArguments !== undefined) leaveOut('gemini streamed arguments');
  if (calling.mode === 'VALIDATED') leaveOut('gemini calling mode VALIDATED');
  return calling.mode === undefined || calling.mode === 'VALIDATED' ? undefined : calling;
}

function readDeclaration(declaration: JsonObject, leaveOut: LeaveOut): object {
  const { name, description, parameters, parametersJsonSchema, ...rest } = declaration;
  for (const field of Object.keys(rest)) leaveOut(`gemini functionDeclarations[].${field}`);
  return defined({
    name,
    description: description === '' || description === null ? undefined : description,
    parameters: asJsonSchema(parametersJsonSchema ?? parameters),
  });
}

function readPart(part: JsonObject, leaveOut: LeaveOut): object[] {
  if (part.thoughtSignature !== undefined) leaveOut('gemini thoughtSignature (has tests of its own)');
  if (part.thought === true) {
    leaveOut('gemini thoughts of the history');
    return [];
  }
  if (typeof part.text === 'string') return part.text === '' ? [] : [{ text: part.text }];
  const inline = objectOf(part.inlineData);
  if (inline !== undefined) {
    const data = String(inline.data);
    return [{ inlineData: { data, mimeType: typeOfPicture(String(inline.mimeType), data) } }];
  }
  const call = objectOf(part.functionCall);
  if (call !== undefined) return [{ functionCall: { name: call.name, args: call.args ?? {} } }];
  const response = objectOf(part.functionResponse);
  if (response !== undefined) {
    if (response.parts !== undefined) leaveOut('gemini functionResponse.parts');
    return [{ functionResponse: { name: response.name, response: response.response } }];
  }
  if (part.fileData !== undefined) {
    leaveOut('gemini file by address');
    return [];
  }
  leaveOut(`gemini part ${Object.keys(part).join(', ')}`);
  return [];
}
