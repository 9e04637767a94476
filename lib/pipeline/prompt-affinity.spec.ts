import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type TokenUsage, type ValidatedChatRequest, validateChatRequest } from '../chat/index.js';
import { compileOptions, type PolicyDeployment } from '../planning/index.js';
import { MIN_CACHED_TOKENS, PromptAffinity } from './prompt-affinity.js';

const NOW_MS = 1_780_000_000_000;
const MINUTE_MS = 60_000;

interface Turn {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

const user = (content: string): Turn => ({ role: 'user', content });
const assistant = (content: string): Turn => ({ role: 'assistant', content });

function ask(messages: readonly object[], more: object = {}): ValidatedChatRequest {
  return validateChatRequest({ messages, ...more });
}

const tools = (...names: readonly string[]): object => ({
  tools: names.map((name) => ({ type: 'function', function: { name } })),
});

/** Caches without being asked, and bills less for it. */
const CACHING = { inputPer1M: 1, outputPer1M: 1, cachedInputPer1M: 0.1 };

function deployment(price: object = CACHING): PolicyDeployment {
  const { policy } = compileOptions(
    {
      providers: { p: { api: 'openai-compatible', baseUrl: 'http://a.b' } },
      models: { m: { provider: 'p', price } },
      routingRules: { simple_queries: { primary: 'm' } },
    },
    {},
  );
  return policy.models.get('m')!.deployments[0]!;
}

const WARM = deployment();

function usage(promptTokens: number, more: Partial<TokenUsage> = {}): TokenUsage {
  return {
    promptTokens,
    completionTokens: 5,
    cachedTokens: 0,
    cacheWriteTokens: 0,
    reasoningTokens: 0,
    ...more,
  };
}

/** One whose prompt of 2,000 tokens was answered. */
function warmedBy(messages: readonly object[], more: object = {}): PromptAffinity {
  const affinity = new PromptAffinity();
  affinity.remember('acme', ask(messages, more), WARM, usage(2_000), NOW_MS);
  return affinity;
}

const FOUND = { deployment: 'p/m', cachedTokens: 2_000 };

describe('a conversation', () => {
  const begun = [{ role: 'system', content: 'Be brief.' }, user('Hello')];

  it('is found again by what it begins with', () => {
    const affinity = warmedBy(begun);
    expect(affinity.find('acme', ask(begun), NOW_MS)).toEqual(FOUND);
    expect(affinity.find('acme', ask([...begun, assistant('Hi'), user('And?')]), NOW_MS)).toEqual(FOUND);
  });

  it.each<[string, readonly object[]]>([
    ['a part of it alone', begun.slice(0, 1)],
    ['another first message', [{ role: 'system', content: 'Be long.' }, user('Hello')]],
    ['another last message', [begun[0]!, user('Hullo')]],
    ['another role', [begun[0]!, assistant('Hello')]],
    ['the same in another order', begun.toReversed()],
    ['the same texts cut otherwise', [{ role: 'system', content: 'Be brief.H' }, user('ello')]],
  ])('is not found by %s', (_, messages) => {
    expect(warmedBy(begun).find('acme', ask(messages), NOW_MS)).toBeUndefined();
  });

  it('is found by the longest beginning that was sent before', () => {
    const affinity = warmedBy(begun);
    const longer = [...begun, assistant('Hi'), user('And?')];
    affinity.remember('acme', ask(longer), WARM, usage(3_000), NOW_MS);
    const next = ask([...longer, assistant('So.'), user('Well?')]);
    expect(affinity.find('acme', next, NOW_MS)?.cachedTokens).toBe(3_000);
    // One that branches off has the shorter one in common.
    const branch = ask([...begun, assistant('Hi'), user('Or?')]);
    expect(affinity.find('acme', branch, NOW_MS)?.cachedTokens).toBe(2_000);
  });

  it('has its tools before its messages', () => {
    const affinity = warmedBy(begun, tools('search', 'read'));
    const find = (more: object): unknown => affinity.find('acme', ask(begun, more), NOW_MS);
    expect(find(tools('search', 'read'))).toEqual(FOUND);
    expect(find(tools('read', 'search'))).toBeUndefined();
    expect(find(tools('search'))).toBeUndefined();
    expect(find({})).toBeUndefined();
  });

  it('is told apart by what its parts say, and what they are', () => {
    const parts = (...content: readonly object[]): readonly object[] => [{ role: 'user', content }];
    const text = (value: string): object => ({ type: 'text', text: value });
    const image = { type: 'image_url', image_url: { url: 'https://a.b/c.png' } };
    const affinity = warmedBy(parts(text('Look'), image));
    expect(affinity.find('acme', ask(parts(text('Look'), image)), NOW_MS)).toEqual(FOUND);
    expect(affinity.find('acme', ask(parts(text('Look'))), NOW_MS)).toBeUndefined();
    expect(affinity.find('acme', ask(parts(text('See'), image)), NOW_MS)).toBeUndefined();
  });

  it('is told apart by the calls of its tools', () => {
    const called = (id: string): readonly object[] => [
      user('Hello'),
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id, type: 'function', function: { name: 'f', arguments: '{}' } }],
      },
      { role: 'tool', tool_call_id: id, content: 'Done' },
    ];
    const affinity = warmedBy(called('call_1'));
    expect(affinity.find('acme', ask(called('call_1')), NOW_MS)).toEqual(FOUND);
    expect(affinity.find('acme', ask(called('call_2')), NOW_MS)).toBeUndefined();
  });

  it('is told apart by length, beginning and end of a long message', () => {
    const long = (middle: string, end = 'z'): readonly object[] => [
      user(`${'a'.repeat(300)}${middle}${end.repeat(300)}`),
    ];
    const affinity = warmedBy(long('one'));
    expect(affinity.find('acme', ask(long('three')), NOW_MS)).toBeUndefined();
    expect(affinity.find('acme', ask(long('one', 'y')), NOW_MS)).toBeUndefined();
    // Bounded work: what lies between is not read.
    expect(affinity.find('acme', ask(long('two')), NOW_MS)).toEqual(FOUND);
  });

  it('of another tenant is another', () => {
    const affinity = warmedBy(begun);
    expect(affinity.find('other', ask(begun), NOW_MS)).toBeUndefined();
    expect(affinity.find('', ask(begun), NOW_MS)).toBeUndefined();
  });

  it('moves with whom it was last answered by', () => {
    const affinity = warmedBy(begun);
    affinity.remember('acme', ask(begun), { ...WARM, id: 'q/m' }, usage(1_900), NOW_MS + 1);
    expect(affinity.find('acme', ask(begun), NOW_MS + 1)).toEqual({ deployment: 'q/m', cachedTokens: 1_900 });
    expect(affinity.size).toBe(1);
  });
});

describe('what is not in any cache', () => {
  const messages = [user('Hello')];
  const isKept = (price: object, reported: TokenUsage): boolean => {
    const affinity = new PromptAffinity();
    affinity.remember('acme', ask(messages), deployment(price), reported, NOW_MS);
    return affinity.find('acme', ask(messages), NOW_MS) !== undefined;
  };
  const PLAIN = { inputPer1M: 1, outputPer1M: 1 };
  const WRITING = { ...CACHING, cacheWritePer1M: 1.25 };

  it.each<[string, object, TokenUsage, boolean]>([
    ['a prompt long enough', CACHING, usage(MIN_CACHED_TOKENS), true],
    ['one that no provider caches', CACHING, usage(MIN_CACHED_TOKENS - 1), false],
    ['one that costs the same again', PLAIN, usage(2_000), false],
    [
      'one that is said to be cached, and costs the same',
      { ...PLAIN, cachedInputPer1M: 1 },
      usage(2_000, { cachedTokens: 9 }),
      false,
    ],
    ['one that its provider was not told to write', WRITING, usage(2_000), false],
    ['one that was written', WRITING, usage(2_000, { cacheWriteTokens: 1_500 }), true],
    ['one that was read', WRITING, usage(2_000, { cachedTokens: 1_500 }), true],
  ])('%s', (_, price, reported, kept) => {
    expect(isKept(price, reported)).toBe(kept);
  });
});

describe('the memory', () => {
  const messages = [user('Hello')];

  it('forgets what has gone cold, and finding it does not keep it warm', () => {
    const affinity = warmedBy(messages);
    expect(affinity.find('acme', ask(messages), NOW_MS + 5 * MINUTE_MS - 1)).toEqual(FOUND);
    expect(affinity.find('acme', ask(messages), NOW_MS + 5 * MINUTE_MS)).toBeUndefined();
    expect(affinity.size).toBe(0);
  });

  it('keeps what is used again', () => {
    const affinity = warmedBy(messages);
    affinity.remember('acme', ask(messages), WARM, usage(2_000), NOW_MS + 4 * MINUTE_MS);
    expect(affinity.find('acme', ask(messages), NOW_MS + 8 * MINUTE_MS)).toEqual(FOUND);
  });

  it('goes back to a shorter beginning where the longer has gone cold', () => {
    const affinity = new PromptAffinity();
    const longer = ask([...messages, assistant('Hi'), user('And?')]);
    affinity.remember('acme', longer, WARM, usage(3_000), NOW_MS);
    affinity.remember('acme', ask(messages), WARM, usage(2_000), NOW_MS + 2 * MINUTE_MS);
    expect(affinity.find('acme', longer, NOW_MS + 6 * MINUTE_MS)).toEqual(FOUND);
  });

  it('is bounded, and the least lately used goes first', () => {
    const affinity = new PromptAffinity();
    const numbered = (index: number): ValidatedChatRequest => ask([user(`Hello ${index}`)]);
    const kept = (index: number): boolean => affinity.find('acme', numbered(index), NOW_MS) !== undefined;
    for (let index = 0; index < 25_000; index += 1) {
      affinity.remember('acme', numbered(index), WARM, usage(2_000), NOW_MS);
      // In use all the time.
      if (index % 1_000 === 0) expect(kept(0)).toBe(true);
    }
    expect(affinity.size).toBeLessThanOrEqual(20_000);
    expect(affinity.size).toBeGreaterThan(10_000);
    expect([kept(0), kept(1), kept(24_999)]).toEqual([true, false, true]);
  });

  it('holds one entry a request, however many messages it has', () => {
    const affinity = warmedBy(Array.from({ length: 200 }, (_, index) => user(`Hello ${index}`)));
    expect(affinity.size).toBe(1);
  });
});

describe('whatever is said', () => {
  const turn: fc.Arbitrary<Turn> = fc.record({
    role: fc.constantFrom('user', 'assistant'),
    content: fc.constantFrom('a', 'b', 'ab', 'Hello', ''),
  });
  const conversation = fc.array(turn, { minLength: 1, maxLength: 5 });
  const isBeginning = (first: readonly Turn[], of: readonly Turn[]): boolean =>
    JSON.stringify(of.slice(0, first.length)) === JSON.stringify(first);

  it('what is found is the longest beginning that was sent by that tenant', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom('acme', 'other'), conversation), { maxLength: 8 }),
        conversation,
        (sent, asked) => {
          const affinity = new PromptAffinity();
          for (const [tenant, messages] of sent) {
            affinity.remember(tenant, ask(messages), WARM, usage(2_000 + messages.length), NOW_MS);
          }
          const lengths = sent
            .filter(([tenant, messages]) => tenant === 'acme' && isBeginning(messages, asked))
            .map(([, messages]) => messages.length);
          const longest = lengths.length === 0 ? undefined : 2_000 + Math.max(...lengths);
          expect(affinity.find('acme', ask(asked), NOW_MS)?.cachedTokens).toBe(longest);
        },
      ),
      { numRuns: 300 },
    );
  });
});
