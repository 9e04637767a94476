import { isJsonObject, listOf, objectOf, textOf, type JsonObject } from '../json-reading.js';
import { defined, joinTurns, type LeaveOut, type Turn, typeOfPicture } from './request-case.spec-support.js';

/** What is the user's own, whose names stay as they are. */
const FREE_FORM = ['args', 'response', 'parameters', 'parametersJsonSchema', 'responseSchema', 'responseJsonSchema'];

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

/** A schema of Google's own dialect as JSON Schema: types in lower case. */
export function asJsonSchema(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asJsonSchema);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [
      name,
      name === 'type' && typeof field === 'string' ? field.toLowerCase() : asJsonSchema(field),
    ]),
  );
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
  return [contents].flat().map((content) =>
    isJsonObject(content) ? content : { role: 'user', parts: [{ text: content }] },
  );
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
  const declarations = declarationsOf(body.tools).map((declaration) => readDeclaration(declaration, leaveOut));
  return defined({
    system: listOf(objectOf(body.systemInstruction)?.parts).map((part) => textOf(objectOf(part)?.text)).join(''),
    turns: joinTurns(
      turnsOf(body.contents).map(
        ({ role, parts }): Turn => ({
          role: textOf(role) ?? 'user',
          blocks: listOf(parts).flatMap((part) => readPart(objectOf(part)!, leaveOut)),
        }),
      ),
    ),
    declarations: declarations.length > 0 ? declarations : undefined,
    calling: calling === undefined ? undefined : readCalling(calling, leaveOut),
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
    description: description === '' ? undefined : description,
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
  const file = objectOf(part.fileData);
  if (file !== undefined) {
    if (isPublicPicture(file)) return [{ fileData: file }];
    leaveOut('gemini file by address that is no picture on the web');
    return [];
  }
  leaveOut(`gemini part ${Object.keys(part).join(', ')}`);
  return [];
}

/** What an `image_url` can name. */
export function isPublicPicture(file: JsonObject): boolean {
  return (
    (textOf(file.fileUri)?.startsWith('https://') ?? false) &&
    (textOf(file.mimeType)?.startsWith('image/') ?? false)
  );
}
