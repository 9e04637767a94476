import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quickestMs } from '../../test/support/quickest.js';
import { CLASS_LANGUAGES } from '../config/index.js';
import { boundedText } from './bounded-text.js';
import { compileCondition } from './class-condition.js';
import { compileWords as compileFolded, foldText } from './class-words.js';
import { DETECTED_LANGUAGES, detectLanguage } from '../quality/index.js';

/** As the conditions do. */
function compileWords(words: readonly string[]): (text: string) => boolean {
  const find = compileFolded(words);
  return (text) => find(foldText(text));
}

describe('compileWords', () => {
  it.each<[string, string, boolean]>([
    ['will', 'My last WILL.', true],
    ['will', 'goodwill', false],
    ['will', 'willing', false],
    ['will', 'will_power', false],
    ['will', 'she said "will"', true],
    ['force majeure', 'a case of Force\n  Majeure, then', true],
    ['force majeure', 'force the majeure', false],
    ['c++', 'I like C++', true],
    ['c++', 'c', false],
    ['c++', 'c+++', true],
    ['.net', 'use .NET 8', true],
    ['.net', 'internet', false],
    ['a.b', 'axb', false],
    ['(x|y)', 'x', false],
    ['(x|y)', 'f(x|y)', true],
    ['[a-z]', 'q', false],
    ['\\d', '5', false],
    ['§ 12', 'see § 12 and', true],
    ['§ 12', 'see § 123', false],
    ['契約', 'この契約を見て', true],
    ['straße', 'Die STRASSE', false],
    ['Über', 'über alles', true],
    ['über', 'drüber', false],
    // Composed and decomposed.
    ['café', 'the cafe\u0301 there', true],
    ['Договор', 'этот договор', true],
    ['договор', 'договором', false],
  ])('finds %j in %j: %s', (word, text, expected) => {
    expect(compileWords([word])(text)).toBe(expected);
    expect(compileWords(['zzz', word, 'yyy'])(text)).toBe(expected);
  });

  it('takes any word as it is written, and finds it between spaces', () => {
    const word = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 30 })
      .filter((text) => text.trim() !== '');
    fc.assert(
      fc.property(word, word, (one, other) => {
        const find = compileWords([one, other]);
        expect(find(`before ${one.trim()} after`)).toBe(true);
        expect(find(`before ${other.trim()} after`)).toBe(true);
      }),
    );
  });

  it('is quick with 200 phrases over 4 KB that nearly match', () => {
    const words = Array.from({ length: 200 }, (_, index) => `${'a'.repeat(90)} ${index}`);
    const find = compileWords(words);
    for (const text of ['a'.repeat(4_096), `${'a'.repeat(90)} `.repeat(45), ' '.repeat(4_096)]) {
      expect(find(text)).toBe(false);
      const tookMs = quickestMs(50, () => find(text));
      console.info(`200 phrases over 4 KB: ${tookMs.toFixed(2)} ms`);
      expect(tookMs).toBeLessThan(50);
    }
  });
});

describe('detectLanguage', () => {
  it.each<[string, string | undefined]>([
    ['What is the best way to cook rice for six people?', 'en'],
    ['Could you write a short poem about my cat?', 'en'],
    ['¿Cuál es la mejor manera de cocinar arroz para seis personas?', 'es'],
    ['Necesito una carta para el banco, por favor.', 'es'],
    ['Quelle est la meilleure façon de cuire du riz pour six personnes ?', 'fr'],
    ['Écris une lettre à ma banque, merci.', 'fr'],
    ['Wie kocht man am besten Reis für sechs Personen?', 'de'],
    ['Bitte schreibe einen Brief an meine Bank.', 'de'],
    ['Qual é a melhor maneira de cozinhar arroz para seis pessoas?', 'pt'],
    ['Preciso de uma carta para o meu banco, por favor.', 'pt'],
    ['Qual è il modo migliore per cuocere il riso per sei persone?', 'it'],
    ['Scrivi una lettera alla mia banca, grazie.', 'it'],
    ['Как лучше всего сварить рис на шесть человек?', 'ru'],
    ['ما هي أفضل طريقة لطهي الأرز لستة أشخاص؟', 'ar'],
    ['छह लोगों के लिए चावल पकाने का सबसे अच्छा तरीका क्या है?', 'hi'],
    ['六个人的米饭怎么煮最好？', 'zh'],
    ['6人分のお米の一番いい炊き方は何ですか？', 'ja'],
    ['여섯 명을 위한 밥을 짓는 가장 좋은 방법은 무엇인가요?', 'ko'],
    ['请用 Python 写一个函数，读取 CSV 文件', 'zh'],
    ['', undefined],
    ['12345 + 67 = ?', undefined],
    ['Kubernetes', undefined],
    ['xqzt vvrk plmn', undefined],
  ])('%j is %s', (text, expected) => {
    expect(detectLanguage(text)).toBe(expected);
  });

  it('knows the languages that the options name, and no others', () => {
    expect(new Set(DETECTED_LANGUAGES)).toEqual(new Set(CLASS_LANGUAGES));
  });

  it('says one of them or none of any text, in bounded time', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        const found = detectLanguage(text);
        if (found !== undefined) expect(DETECTED_LANGUAGES).toContain(found);
      }),
    );
    const long = 'ein wort '.repeat(100_000);
    expect(detectLanguage(long)).toBe('de');
    expect(quickestMs(20, () => detectLanguage(long))).toBeLessThan(20);
  });
});

describe('compileCondition', () => {
  const input = {
    surface: 'support',
    workload: 'interactive',
    tenant: 'acme',
    text: 'Is this contract fine?',
    characters: 22,
    language: 'en',
    tools: ['look_up'],
    messageCount: 1,
    inputTokens: 10,
    streamed: false,
    capabilities: [],
    score: 0.2,
  } as const;

  it('holds where all that is given holds', () => {
    const holding = {
      surfaces: ['other', 'support'],
      tools: true,
      minCharacters: 22,
      maxCharacters: 22,
      languages: ['de', 'en'],
      tenants: ['acme'],
      words: ['contract'],
    };
    expect(compileCondition(holding)(input)).toBe(true);
    const failing = {
      surfaces: ['other'],
      tools: false,
      minCharacters: 23,
      maxCharacters: 21,
      languages: ['de'],
      tenants: ['acm'],
      words: ['contracts'],
    };
    for (const [key, value] of Object.entries(failing)) {
      expect(compileCondition({ ...holding, [key]: value })(input), key).toBe(false);
      expect(compileCondition({ [key]: value })(input), key).toBe(false);
    }
  });

  it('does not read the text where something cheaper fails', () => {
    const unread = Object.defineProperty({ ...input }, 'text', {
      get: () => {
        throw new Error('was read');
      },
    });
    expect(compileCondition({ words: ['x'], surfaces: ['other'] })(unread)).toBe(false);
  });
});

describe('boundedText', () => {
  it('keeps the beginning and the end, within the limit and without half a character', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 200 }),
        fc.integer({ min: 10, max: 80 }),
        (text, limit) => {
          const bounded = boundedText(text, limit);
          expect(bounded.length).toBeLessThanOrEqual(limit);
          // Half of a character is written as it is, and read as another.
          expect(Buffer.from(bounded).toString()).toBe(bounded);
          if (text.length <= limit) expect(bounded).toBe(text);
        },
      ),
    );
    expect(boundedText(`BEGIN${'-'.repeat(100)}END`, 21)).toBe('BEGIN-----\n-------END');
  });
});
