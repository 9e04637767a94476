/** What is read of a text. */
const READ_CHARACTERS = 2_048;
/** Letters of a script that a text needs to be in it. */
const MIN_LETTERS = 2;
/** Of all letters, the share a script needs. */
const MIN_SCRIPT_SHARE = 0.3;
/** Words alone tell the languages in Latin letters apart: so many must be known ones. */
const MIN_KNOWN_WORDS = 2;
const MIN_KNOWN_SHARE = 0.12;

/**
 * Languages told by their script. Japanese before Chinese: it is written with Chinese characters too. In Cyrillic
 * letters and in Arabic ones other languages are written as well, which this takes for the commonest.
 */
const SCRIPTS: readonly { readonly language: string; readonly letters: RegExp; readonly minShare: number }[] =
  [
    { language: 'ja', letters: /[\p{Script=Hiragana}\p{Script=Katakana}]/gu, minShare: 0.1 },
    { language: 'zh', letters: /\p{Script=Han}/gu, minShare: MIN_SCRIPT_SHARE },
    { language: 'ko', letters: /\p{Script=Hangul}/gu, minShare: MIN_SCRIPT_SHARE },
    { language: 'ru', letters: /\p{Script=Cyrillic}/gu, minShare: MIN_SCRIPT_SHARE },
    { language: 'ar', letters: /\p{Script=Arabic}/gu, minShare: MIN_SCRIPT_SHARE },
    { language: 'hi', letters: /\p{Script=Devanagari}/gu, minShare: MIN_SCRIPT_SHARE },
  ];

/** The commonest short words, those in more than one of these languages left in all of them: the sum decides. */
const WORDS: Readonly<Record<string, string>> = {
  en: 'the of and to in is you that it he was for on are with as his they at be this have from or had by not but what all were we when your can said there use an each which she do how their if will up other about out many then them these so some her would make like him into time has look two more write go see number no way could people my than first been call who its now find long down day did get come made may please i me why where does',
  es: 'el la los las de que y en un una ser se no por con su para como estar tener le lo todo pero más hacer o poder este ir otro ese si me ya ver porque dar cuando muy sin vez mucho saber qué sobre mi alguno mismo yo también hasta año dos querer entre así primero desde grande eso ni nos llegar es son está del al cómo cuál puedes quiero tengo por favor hola gracias escribe explica necesito una',
  fr: 'le la les de des du un une et est en que qui dans pour pas sur avec ce cette il elle nous vous je tu ne se au aux par plus son sa ses mais ou où comme tout faire être avoir peut bien sans si mon ma mes votre notre leur quel quelle quels comment pourquoi quand très aussi merci bonjour écris explique peux veux suis sont ont été cela ça fait',
  de: 'der die das und in zu den von mit ist nicht ein eine einen einem einer für auf im dem des sich als auch es an werden aus er hat dass daß sie nach wird bei noch wie ich du wir ihr mein meine dein sein kann können über so zum zur war haben nur oder aber vor bis mehr durch man sind wenn was wer warum bitte danke hallo schreibe erkläre mir mich uns gibt habe',
  pt: 'o a os as de do da dos das que e em um uma para com não por mais se como mas foi ao ele ela tem à seu sua ou ser quando muito há nos já está eu também só pelo pela até isso entre era depois sem mesmo aos ter seus quem nas me esse eles estão você tinha foram essa num nem suas meu às minha têm numa pelos qual são no na é obrigado obrigada olá escreva explique preciso quero pode',
  it: 'il lo la i gli le di a da in con su per tra fra un uno una e è che non si come ma anche più se del della dei delle dello al alla ai alle nel nella sono ho hai ha abbiamo hanno essere avere questo questa questi quello quella mi ti ci vi io tu noi voi loro perché quando dove chi cosa cui molto tutto tutti già ancora solo ciao grazie scrivi spiega puoi vorrei posso quale',
};

const LANGUAGES_OF_WORD: ReadonlyMap<string, readonly string[]> = (() => {
  const languages = new Map<string, string[]>();
  for (const [language, words] of Object.entries(WORDS)) {
    for (const word of new Set(words.split(' '))) {
      const known = languages.get(word);
      if (known === undefined) languages.set(word, [language]);
      else known.push(language);
    }
  }
  return languages;
})();

/** The languages that {@link detectLanguage} can tell. */
export const DETECTED_LANGUAGES: readonly string[] = [
  ...SCRIPTS.map(({ language }) => language),
  ...Object.keys(WORDS),
];

/**
 * The language of a text as its ISO 639-1 code, or undefined where that cannot be told: a rule of thumb over scripts and
 * common words, read off the first 2,048 characters. Good for a sentence; not for two words, and not for languages that
 * it does not know.
 */
export function detectLanguage(text: string): string | undefined {
  const read = text.slice(0, READ_CHARACTERS).toLowerCase();
  const letters = read.match(/\p{L}/gu)?.length ?? 0;
  if (letters === 0) return undefined;
  for (const { language, letters: pattern, minShare } of SCRIPTS) {
    const found = read.match(pattern)?.length ?? 0;
    if (found >= MIN_LETTERS && found >= letters * minShare) return language;
  }
  return byWords(read.match(/\p{L}+/gu) ?? []);
}

/** How much of a text's words a language has. */
export interface RankedLanguage {
  readonly language: string;
  /** Of known words; one of several languages counts a part for each. */
  readonly weight: number;
  readonly known: number;
}

/** The languages in Latin letters that have any of these words, in small letters, the likeliest first. */
export function rankLanguages(words: readonly string[]): readonly RankedLanguage[] {
  const counts = new Map<string, { language: string; weight: number; known: number }>();
  for (const word of words) {
    const languages = LANGUAGES_OF_WORD.get(word);
    if (languages === undefined) continue;
    for (const language of languages) {
      let count = counts.get(language);
      if (count === undefined) {
        count = { language, weight: 0, known: 0 };
        counts.set(language, count);
      }
      count.weight += 1 / languages.length;
      count.known += 1;
    }
  }
  return [...counts.values()].sort((first, other) => other.weight - first.weight);
}

function byWords(words: readonly string[]): string | undefined {
  const [best, second] = rankLanguages(words);
  if (best === undefined) return undefined;
  const { language, weight, known } = best;
  if (known < MIN_KNOWN_WORDS || known < words.length * MIN_KNOWN_SHARE) return undefined;
  return second !== undefined && second.weight >= weight ? undefined : language;
}
