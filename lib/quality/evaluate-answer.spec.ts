import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quickestMicroseconds } from '../../test/support/quickest.js';
import { type ChatCompletion, type ChatCompletionChunk, validateChatRequest } from '../chat/index.js';
import { AnswerCollector } from './answer-collector.js';
import { askedOfAnswer } from './asked-of-answer.js';
import { type Evaluation, evaluateAnswer } from './evaluate-answer.js';

const messages = [{ role: 'user', content: 'How is the weather in Paris, and what should one wear there?' }];
const tool = (name: string, parameters?: object): object => ({
  type: 'function',
  function: { name, parameters },
});
const PLACE = { type: 'object', required: ['city'], properties: { city: { type: 'string' } } };
const TOOLS = [tool('weather', PLACE), tool('time')];

interface Message {
  readonly content?: string | null;
  readonly refusal?: string | null;
  readonly tool_calls?: readonly object[];
  readonly function_call?: object;
  readonly audio?: object;
}

function evaluate(
  request: object,
  answers: readonly { readonly message: Message; readonly finish?: string }[],
): Evaluation {
  const asked = askedOfAnswer(validateChatRequest({ messages, ...request }));
  const collector = new AnswerCollector(asked.wanted !== undefined);
  const choices = answers.map(({ message, finish = 'stop' }, index) => ({
    index,
    message,
    finish_reason: finish,
  }));
  collector.answer({ choices } as unknown as ChatCompletion);
  return evaluateAnswer(collector.choices(), asked);
}

const call = (name: string, args: unknown): object => ({
  id: 'call_1',
  type: 'function',
  function: { name, arguments: typeof args === 'string' ? args : JSON.stringify(args) },
});
const calls = (...tool_calls: object[]): { message: Message; finish: string } => ({
  message: { content: null, tool_calls },
  finish: 'tool_calls',
});
const says = (content: string, finish = 'stop'): { message: Message; finish: string } => ({
  message: { content },
  finish,
});

describe('the faults of tool calls', () => {
  it.each<[string, object, { message: Message; finish?: string }, boolean]>([
    ['a fitting one', { tools: TOOLS }, calls(call('weather', { city: 'Paris' })), false],
    ['two fitting ones', { tools: TOOLS }, calls(call('weather', { city: 'P' }), call('time', {})), false],
    ['a tool that was not offered', { tools: TOOLS }, calls(call('wether', { city: 'Paris' })), true],
    ['a tool where none was offered', {}, calls(call('weather', { city: 'Paris' })), true],
    ['the second one wrong', { tools: TOOLS }, calls(call('time', {}), call('weather', {})), true],
    ['no JSON', { tools: TOOLS }, calls(call('weather', '{"city":')), true],
    ['nothing in place of JSON', { tools: TOOLS }, calls(call('time', '')), true],
    ['a list in place of an object', { tools: TOOLS }, calls(call('time', [])), true],
    ['another type', { tools: TOOLS }, calls(call('weather', { city: 5 })), true],
    ['too long to be judged', { tools: TOOLS }, calls(call('weather', 'x'.repeat(300_000))), false],
    ['one though none is wanted', { tools: TOOLS, tool_choice: 'none' }, calls(call('time', {})), true],
    ['none though one is wanted', { tools: TOOLS, tool_choice: 'required' }, says('It rains.'), true],
    ['none, cut off', { tools: TOOLS, tool_choice: 'required' }, says('It', 'length'), false],
    ['one where one is wanted', { tools: TOOLS, tool_choice: 'required' }, calls(call('time', {})), false],
    [
      'the one that is wanted',
      { tools: TOOLS, tool_choice: { type: 'function', function: { name: 'time' } } },
      calls(call('time', {})),
      false,
    ],
    [
      'another than is wanted',
      { tools: TOOLS, tool_choice: { type: 'function', function: { name: 'time' } } },
      calls(call('weather', { city: 'Paris' })),
      true,
    ],
    [
      'one that is not among the allowed',
      {
        tools: TOOLS,
        tool_choice: { type: 'allowed_tools', allowed_tools: { mode: 'auto', tools: [tool('time')] } },
      },
      calls(call('weather', { city: 'Paris' })),
      true,
    ],
    [
      'a custom tool, whatever it is told',
      { tools: [{ type: 'custom', custom: { name: 'sql' } }] },
      calls({ id: 'c', type: 'custom', custom: { name: 'sql', input: 'select 1' } }),
      false,
    ],
    [
      'the older form',
      { functions: [{ name: 'weather', parameters: PLACE }] },
      {
        message: { content: null, function_call: { name: 'weather', arguments: '{}' } },
        finish: 'function_call',
      },
      true,
    ],
    [
      'the older form, fitting',
      { functions: [{ name: 'weather', parameters: PLACE }], function_call: { name: 'weather' } },
      {
        message: { content: null, function_call: { name: 'weather', arguments: '{"city":"Paris"}' } },
        finish: 'function_call',
      },
      false,
    ],
  ])('%s', (_what, request, answer, isFault) => {
    expect(evaluate(request, [answer]).faults).toEqual([
      ...(isFault ? ['tool_call_invalid'] : []),
      ...(answer.finish === 'length' ? ['cut_off'] : []),
    ]);
  });
});

describe('the faults of JSON', () => {
  const format = { response_format: { type: 'json_schema', json_schema: { name: 'n', schema: PLACE } } };
  it.each<[string, object, { message: Message; finish?: string }, string[]]>([
    ['words', format, says('Paris'), ['schema_invalid']],
    ['cut off', format, says('{"city":"Pa', 'length'), ['schema_invalid', 'cut_off']],
    ['fitting', format, says(' {"city":"Paris"}\n'), []],
    ['fenced', format, says('```json\n{"city":"Paris"}\n```'), ['schema_invalid']],
    ['any object', { response_format: { type: 'json_object' } }, says('{}'), []],
    ['no object', { response_format: { type: 'json_object' } }, says('[]'), ['schema_invalid']],
    ['a refusal', format, { message: { content: null, refusal: 'No.' } }, ['refusal']],
    ['kept back', format, says('', 'content_filter'), ['refusal']],
    ['a tool call', { ...format, tools: TOOLS }, calls(call('time', {})), []],
    ['too long to be judged', format, says(`"${'x'.repeat(300_000)}"`), []],
    [
      'schema words that are not known',
      {
        response_format: {
          type: 'json_schema',
          json_schema: { name: 'n', schema: { type: 'string', pattern: '^b', format: 'uri', unheard: true } },
        },
      },
      says('"a"'),
      [],
    ],
  ])('%s', (_what, request, answer, faults) => {
    expect(evaluate(request, [answer]).faults).toEqual(faults);
  });
});

describe('evaluateAnswer', () => {
  it.each<[string, { message: Message; finish?: string }[], string[], number]>([
    ['nothing', [], ['empty'], 0],
    ['no words', [says('')], ['empty'], 0],
    ['blanks', [says(' \n\t')], ['empty'], 0],
    ['null', [{ message: { content: null } }], ['empty'], 0],
    ['thought too long', [says('', 'length')], ['empty', 'cut_off'], 0],
    ['sound', [{ message: { content: null, audio: { id: 'a' } } }], [], 1],
    ['cut off', [says('Take a coat', 'length')], ['cut_off'], 0.6],
    ['one of two', [says('Take a coat.'), says('')], ['empty'], 0.5],
    ['two of four', [says('a'), says('b', 'length'), says('c', 'length'), says('d')], ['cut_off'], 0.8],
    [
      'refused and cut off',
      [says("I'm sorry, I can't help with that", 'length')],
      ['refusal', 'cut_off'],
      0.18,
    ],
  ])('%s', (_what, answers, faults, score) => {
    const evaluation = evaluate({}, answers);
    expect(evaluation.faults).toEqual(faults);
    expect(evaluation.score).toBeCloseTo(score, 10);
  });

  /** Any cut of what a choice says, as a stream brings it. */
  const pieces = (text: string, at: readonly number[]): string[] => {
    const cuts = [
      0,
      ...at.map((share) => Math.floor(share * text.length)).sort((a, b) => a - b),
      text.length,
    ];
    return cuts.slice(1).map((end, index) => text.slice(cuts[index], end));
  };
  const share = fc.double({ min: 0, max: 1, noNaN: true });

  it('says the same of a stream, however it is cut, as of the whole answer', () => {
    const text = fc.oneof(
      fc.string({ maxLength: 40 }),
      fc.constantFrom(
        '{"city":"Paris"}',
        '{"town":1}',
        "I'm sorry, but I can't help with that.",
        'Nehmen Sie einen Mantel mit, denn es ist dort kalt und es wird wohl auch noch regnen, wenn Sie kommen.',
        'x'.repeat(5_000),
      ),
    );
    const answer = fc.record({
      content: text,
      args: fc.option(fc.oneof(text, fc.constant('{}')), { nil: undefined }),
      finish: fc.constantFrom('stop', 'length', 'content_filter', 'tool_calls'),
      refusal: fc.boolean(),
    });
    const request = fc.constantFrom<object>(
      {},
      { tools: TOOLS },
      { tools: TOOLS, tool_choice: 'required' },
      { response_format: { type: 'json_schema', json_schema: { name: 'n', schema: PLACE } } },
    );
    fc.assert(
      fc.property(
        request,
        fc.array(answer, { minLength: 1, maxLength: 3 }),
        fc.array(share, { maxLength: 5 }),
        (asks, answers, at) => {
          const whole = evaluate(
            asks,
            answers.map(({ content, args, finish, refusal }) => ({
              message: {
                content,
                ...(refusal ? { refusal: 'no' } : {}),
                ...(args === undefined ? {} : { tool_calls: [call('time', args)] }),
              },
              finish,
            })),
          );
          const asked = askedOfAnswer(validateChatRequest({ messages, ...asks }));
          const collector = new AnswerCollector(asked.wanted !== undefined);
          const send = (index: number, delta: object, finish: string | null = null): void => {
            collector.chunk({
              choices: [{ index, delta, finish_reason: finish }],
            } as unknown as ChatCompletionChunk);
          };
          for (const [index, { content, args, finish, refusal }] of answers.entries()) {
            send(index, { role: 'assistant', content: '' });
            for (const piece of pieces(content, at)) send(index, { content: piece });
            if (refusal) for (const piece of ['n', 'o']) send(index, { refusal: piece });
            if (args !== undefined) {
              send(index, {
                tool_calls: [{ index: 0, id: 'call_1', function: { name: 'time', arguments: '' } }],
              });
              for (const piece of pieces(args, at))
                send(index, { tool_calls: [{ index: 0, function: { arguments: piece } }] });
            }
            send(index, {}, finish);
          }
          collector.chunk({ choices: [] } as unknown as ChatCompletionChunk);
          expect(evaluateAnswer(collector.choices(), asked)).toEqual(whole);
          expect(whole.score).toBeGreaterThanOrEqual(0);
          expect(whole.score).toBeLessThanOrEqual(1);
          expect(whole.score < 1).toBe(whole.faults.length > 0);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('keeps of an endless stream no more than it reads', () => {
    const collector = new AnswerCollector(false);
    const piece = 'word '.repeat(1_000);
    for (let count = 0; count < 1_000; count += 1) {
      collector.chunk({
        choices: [
          {
            index: 0,
            delta: {
              content: piece,
              tool_calls: [{ index: count, function: { name: 'a', arguments: piece } }],
            },
          },
        ],
      } as unknown as ChatCompletionChunk);
      collector.chunk({
        choices: [{ index: count + 5_000, delta: { content: piece } }],
      } as unknown as ChatCompletionChunk);
    }
    const [choice, ...others] = collector.choices();
    expect(others).toEqual([]);
    expect(choice).toMatchObject({ isTextWhole: false, hasContent: true });
    expect(choice?.text).toHaveLength(4_096);
    const kept = choice?.calls.reduce((sum, { argumentsText = '' }) => sum + argumentsText.length, 0);
    expect(choice?.calls.length).toBeLessThanOrEqual(128);
    expect(kept).toBeLessThanOrEqual(256 * 1_024);
  });

  it('is quick for a usual answer: 50 us on a machine that does nothing else', () => {
    const answer =
      'You can change it on the settings page, and we will then send you an email with a link. '.repeat(12);
    const usual = (): Evaluation => evaluate({ tools: TOOLS }, [says(answer)]);
    const asked = askedOfAnswer(validateChatRequest({ messages, tools: TOOLS }));
    const completion = {
      choices: [{ index: 0, message: { content: answer }, finish_reason: 'stop' }],
    } as unknown as ChatCompletion;
    expect(usual().faults).toEqual([]);
    const microseconds = quickestMicroseconds(200, 2_000, () => {
      const collector = new AnswerCollector(false);
      collector.answer(completion);
      evaluateAnswer(collector.choices(), asked);
    });
    console.log(`an answer of ${answer.length} characters: ${microseconds.toFixed(1)} us`);
    expect(microseconds).toBeLessThan(200);
  });
});
