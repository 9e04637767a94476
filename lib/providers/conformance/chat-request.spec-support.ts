import fc from 'fast-check';
import type { ChatRequest } from '../../chat/chat-types.js';

/** Texts as people write them, and what trips conversions: blank, broad, and in want of escaping. */
const text = fc.oneof(
  { weight: 5, arbitrary: fc.lorem({ maxCount: 8, mode: 'words' }) },
  { weight: 2, arbitrary: fc.string({ unit: 'grapheme', maxLength: 20 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('', ' ', '\n', '{"a":1}', '[1]', '"', 'null', '\u0000', '🙂', 'a '.repeat(9)),
  },
);
const name = fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9_-]{0,20}$/);
const PNG = 'data:image/png;base64,iVBORw0KGgo=';

const contentPart = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant('text'), text }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      { type: 'image_url', image_url: { url: PNG, detail: 'low' } },
      { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
      { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBERi0=' } },
      { type: 'file', file: { file_data: 'data:text/plain;base64,SGVsbG8=' } },
      { type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } },
    ),
  },
);
const textParts = fc.array(fc.record({ type: fc.constant('text'), text }), { minLength: 1, maxLength: 3 });
const words = fc.oneof(text, textParts);
const userContent = fc.oneof(text, fc.array(contentPart, { minLength: 1, maxLength: 4 }));

const leaf = fc.oneof(
  fc.record(
    {
      type: fc.constantFrom('string', 'number', 'integer', 'boolean'),
      description: fc.lorem({ maxCount: 3 }),
      title: fc.lorem({ maxCount: 1 }),
    },
    { requiredKeys: ['type'] },
  ),
  fc.constantFrom<object>(
    { enum: ['a', 'b'] },
    { type: 'string', enum: ['a'], default: 'a' },
    { const: 'x' },
    { type: ['string', 'null'], maxLength: 9 },
    { type: 'string', format: 'date-time', pattern: '^a' },
    { type: 'number', minimum: 0, exclusiveMaximum: 7, multipleOf: 2 },
    { $ref: '#/$defs/point' },
    {},
  ),
);

/** A JSON Schema of an object, as clients make them from types. */
const objectSchema = fc
  .letrec<{ schema: object; object: object }>((tie) => ({
    schema: fc.oneof(
      { maxDepth: 2 },
      leaf,
      tie('object'),
      fc.record({ type: fc.constant('array'), items: tie('schema') }),
      fc.record({ anyOf: fc.array(tie('schema'), { minLength: 1, maxLength: 3 }) }),
    ),
    object: fc
      .tuple(fc.dictionary(name, tie('schema'), { maxKeys: 3, noNullPrototype: true }), fc.boolean())
      .map(([properties, isStrict]) => ({
        type: 'object',
        properties,
        required: Object.keys(properties),
        ...(isStrict ? { additionalProperties: false } : {}),
      })),
  }))
  .object.map((schema) => ({
    ...schema,
    $defs: {
      point: {
        type: 'object',
        properties: { x: { type: 'number' } },
        required: ['x'],
        additionalProperties: false,
      },
    },
  }));

const tool = fc
  .record(
    { name, description: text, parameters: objectSchema, strict: fc.constantFrom(true, false, null) },
    { requiredKeys: ['name'] },
  )
  .map((declared) => ({ type: 'function' as const, function: declared }));

const argumentsText = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .dictionary(fc.string({ maxLength: 8 }), fc.jsonValue({ maxDepth: 2 }))
      .map((value) => JSON.stringify(value)),
  },
  { weight: 1, arbitrary: fc.constantFrom('', '{}', ' ') },
);

/** A question, an answer of words or of calls with all of their results in any order. */
const round = fc
  .record({
    question: userContent,
    answer: fc.option(words, { nil: null }),
    calls: fc.array(fc.record({ name, arguments: argumentsText, result: words }), { maxLength: 3 }),
    seed: fc.integer({ min: 0, max: 1_000_000 }),
    system: fc.option(fc.tuple(fc.constantFrom('system', 'developer'), words)),
  })
  .map(({ question, answer, calls, seed, system }) => (roundIndex: number): object[] => {
    const ids = calls.map((_call, index) => `call${seed % 3 === 0 ? '.' : '_'}${roundIndex}_${index}`);
    const results = calls.map(({ result }, index) => ({
      role: 'tool',
      tool_call_id: ids[index],
      content: result,
    }));
    return [
      ...(system === null ? [] : [{ role: system[0], content: system[1] }]),
      { role: 'user', content: question },
      {
        role: 'assistant',
        content: calls.length === 0 ? (answer ?? '') : answer,
        refusal: null,
        ...(calls.length === 0
          ? {}
          : {
              tool_calls: calls.map((call, index) => ({
                id: ids[index],
                type: 'function',
                function: { name: call.name, arguments: call.arguments },
              })),
            }),
      },
      ...(seed % 2 === 0 ? results : results.reverse()),
    ];
  });

const options = fc.record(
  {
    temperature: fc.double({ min: 0, max: 2, noNaN: true }),
    top_p: fc.double({ min: 0, max: 1, noNaN: true }),
    max_tokens: fc.integer({ min: 1, max: 100_000 }),
    max_completion_tokens: fc.integer({ min: 1, max: 100_000 }),
    stop: fc.oneof(text, fc.array(text, { maxLength: 4 })),
    n: fc.constantFrom(1, 1, 1, 2),
    seed: fc.integer({ min: 0, max: 1_000_000 }),
    presence_penalty: fc.double({ min: -2, max: 2, noNaN: true }),
    frequency_penalty: fc.double({ min: -2, max: 2, noNaN: true }),
    reasoning_effort: fc.constantFrom('none', 'minimal', 'low', 'medium', 'high', 'xhigh'),
    parallel_tool_calls: fc.boolean(),
    user: fc.constantFrom('u-1', 'someone@example.com', ''),
    metadata: fc.constant({ job: '7' }),
    store: fc.boolean(),
    service_tier: fc.constantFrom('auto', 'default', 'flex'),
    prompt_cache_key: fc.constant('k'),
    response_format: fc.oneof(
      fc.constantFrom<object>({ type: 'text' }, { type: 'json_object' }),
      objectSchema.map((schema) => ({
        type: 'json_schema',
        json_schema: { name: 'answer', strict: true, schema },
      })),
    ),
  },
  { requiredKeys: [] },
);

/** Any request that OpenAI's endpoint takes, over the whole of what other wires can say too, and some of what not. */
export const chatRequest: fc.Arbitrary<ChatRequest> = fc
  .record({
    opening: fc.option(words),
    rounds: fc.array(round, { maxLength: 3 }),
    last: userContent,
    tools: fc.uniqueArray(tool, { maxLength: 3, selector: (one) => one.function.name }),
    choice: fc.constantFrom('auto', 'none', 'required', 'named', 'absent'),
    options,
  })
  .map(({ opening, rounds, last, tools, choice, options: chosen }) => {
    const [first] = tools;
    return {
      model: 'auto',
      messages: [
        ...(opening === null ? [] : [{ role: 'system', content: opening }]),
        ...rounds.flatMap((write, index) => write(index)),
        { role: 'user', content: last },
      ],
      ...(first === undefined ? {} : { tools }),
      ...(first === undefined || choice === 'absent'
        ? {}
        : {
            tool_choice:
              choice === 'named' ? { type: 'function', function: { name: first.function.name } } : choice,
          }),
      ...chosen,
    } as unknown as ChatRequest;
  });
