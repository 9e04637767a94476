/**
 * Words that tell what kind of work is asked, by group. English in full; of other languages the stems of the commonest.
 * The weights of the groups are learned.
 */
const GROUPS = {
  proof:
    'prove proof proofs proven proving disprove derive derivation deduce theorem lemma corollary induction contradiction conjecture axiom bijection convergence converges continuous rigorous rigorously formally',
  mathematics:
    'integral integrate derivative differentiate eigenvalue eigenvalues eigenvector matrix matrices vector probability equation equations polynomial variance deviation recurrence modulo prime primes integer integers triangle circle radius diameter area volume perimeter angle degrees hypotenuse fraction ratio percent percentage remainder divisor multiple factor factors sum product square cube root logarithm exponent function graph slope sequence arithmetic geometric permutation permutations combinations solve simplify evaluate expression formula statistics distribution regression significance confidence equilibrium kinetics momentum acceleration velocity force energy voltage current resistance mole moles molar concentration enthalpy entropy optimum optimal optimization',
  judgement:
    'analyze analyse analysis analyses analyzing evaluate evaluating compare comparing comparison contrast critique criticise criticize assess assessment weigh justify interpret prioritize prioritise diagnose investigate recommend recommendation argue argument arguments discuss debate refute reconcile examine synthesize speculate',
  aspects:
    'tradeoff tradeoffs trade-off trade-offs implications implication consequences hypothesis hypotheses assumption assumptions counterarguments counterargument causes confounders confounder confounding risks risk constraints constraint rationale reasoning limitations scenarios incentives pitfalls bottleneck bottlenecks feasibility mitigation mitigations strategy strategies roadmap architecture framework methodology thorough thoroughly comprehensive detailed depth step-by-step justification why',
  making:
    'design architect implement refactor debug troubleshoot optimize optimise migrate develop build construct devise formulate propose draft plan review model simulate parallelize benchmark port outline rewrite create restructure decompose architecting redesign',
  software:
    'python javascript typescript java rust golang haskell kotlin swift ruby scala react django node sql postgres postgresql mysql redis kafka kubernetes docker terraform api endpoint backend frontend database query schema index cache caching queue thread threads async await deadlock deadlocks race concurrency concurrent distributed consensus replication sharding throughput latency idempotent transaction transactions microservice microservices monolith compiler parser algorithm algorithms recursion recursive loop array string list dictionary tuple class method module script program code codebase bug bugs stack trace stacktrace traceback segfault exception exceptions crash crashes leak leaks memory heap regression tests test unit pipeline encryption protocol handshake production deploy deployment server client websocket null undefined nullpointerexception timeout timeouts error errors regex',
  lookup:
    'capital synonym synonyms antonym antonyms spell spelling define definition stand abbreviation acronym opening hours zip postcode population currency tallest largest longest oldest born died invented wrote painted founded located timezone weather anthem author ceo president flag continent plural',
  edit: 'translate translation proofread rephrase paraphrase shorten summarize summarise summary extract capitalize sort alphabetize alphabetical bullet bulleted uppercase lowercase typos typo grammar punctuation reword tagline hashtag hashtags caption slogan polite friendlier joke riddle haiku rhyme greeting birthday remind reminder convert',
  courtesy:
    'hi hello hey thanks thank thx ty bye goodbye morning evening night welcome please sorry ok okay yes no yep nope cool great nice awesome perfect lol congrats cheers appreciate weekend',
  premise:
    'if suppose assume given let each every per than twice half double triple times total altogether remaining left more less fewer many much then after before later until rest another respectively equally shared split average cost costs price earns earned pays paid spent sells bought',
  negation:
    "not never no none nor neither cannot can't don't doesn't didn't won't isn't aren't wasn't without except least incorrect false unlike",
  modal: 'should would could might must may shall ought whether',
  person: 'i me my mine we us our ours you your he she they him her his their them',
  common:
    'the of and to a in is it that for on as with was by at from or an be this are have which one had but all were when there so what up out who how about into can been its other some these two any only do did has like them now over such where after first also our even most between those because through',
  // Other languages: whole words or the stems they begin with (`*`).
  hardElsewhere:
    'beweis* widerleg* entwirf* entwerf* entwickle* analysier* bewert* vergleich* begründ* erkläre warum wieso weshalb fehlersuche optimier* implementier* architektur strategie* untersuche* herleit* ableit* démontr* prouv* conçois concevoir conce* analys* compar* évalu* expliqu* pourquoi optimis* implément* débog* stratégi* justifi* demuestr* demostr* diseñ* analiz* evalú* evalu* explica* porqué optimiz* implement* depur* estrateg* dimostr* progett* spieg* perché valut* confront* dimostra ottimizz* prova* demonstr* projet* projete avali* expliqu* otimiz* bewijs* ontwerp* vergelijk* beoordeel* leg waarom udowodnij zaprojektuj przeanalizuj porównaj wyjaśnij dlaczego dokaż* докаж* спроектиру* проанализиру* сравни* объясни* почему разработай* оцени* отлад* оптимизир* kanıtla* tasarla* analiz karşılaştır* açıkla* neden bevisa bevis* analyser* sammenlign* förklara forklar* varför hvorfor navrhni* dokažte analyzuj* porovnej* vysvětli* proč trade-offs',
  easyElsewhere:
    'hallo danke tschüss guten gute morgen übersetze übersetz* hauptstadt wer wann heißt korrigier* rechtschreib* zusammenfass* fasse kürze uhrzeit bonjour merci salut bonsoir traduis traduire tradui* capitale orthograph* corrige* corrig* résum* quelle quel heure hola gracias buenos buenas traduce traduc* ortograf* resum* cuál quién cuándo hora ciao grazie buongiorno buonasera traduci* capitale correggi* riassum* qual quem olá obrigad* bom boa traduz* resuma hoi bedankt dank vertaal* hoofdstad wie wanneer samenvat* verbeter* cześć dziękuj* przetłumacz* stolica popraw* привет спасибо переведи* столица исправь* кто когда здравствуйте merhaba teşekkür* çevir* başkent* hej tack översätt* huvudstad oversæt* tak ahoj děkuj* přelož* hlavní oprav*',
} as const;

/** Where words are not set apart by spaces, what is looked for in the text itself. */
const HARD_UNSPACED =
  /证明|證明|设计|設計|分析|比较一下|比较.{0,12}(?:优|缺)|评估|优化|調查|为什么|為什麼|调试|实现一个|推导|架构|証明|設計し|比較し|なぜ|最適化|デバッグ|実装|評価し|증명|설계|분석|비교|최적화|디버|구현|왜 /y;
const EASY_UNSPACED =
  /你好|您好|谢谢|謝謝|翻译|翻譯|首都|多少钱|几点|同义词|改正|总结一下|こんにちは|ありがとう|おはよう|翻訳|訳して|首都|何時|안녕|감사|고마|번역|수도|몇 시|مرحبا|شكرا|ترجم|नमस्ते|धन्यवाद|अनुवाद/y;

export const WORD_GROUPS = Object.keys(GROUPS) as readonly (keyof typeof GROUPS)[];

/** The longest beginning looked up for stems, and the shortest. */
const LONGEST_STEM = 9;
const SHORTEST_STEM = 4;

const words = new Map<string, number>();
const stems = new Map<string, number>();

for (const [index, group] of WORD_GROUPS.entries()) {
  for (const entry of GROUPS[group].split(' ')) {
    const table = entry.endsWith('*') ? stems : words;
    const key = entry.endsWith('*') ? entry.slice(0, -1) : entry;
    table.set(key, (table.get(key) ?? 0) | (1 << index));
  }
}

/** The groups of a word in lower case, one bit each. */
export function groupsOf(word: string): number {
  let bits = words.get(word) ?? 0;
  const longest = Math.min(word.length, LONGEST_STEM);
  for (let length = SHORTEST_STEM; length <= longest; length += 1) {
    bits |= stems.get(word.slice(0, length)) ?? 0;
  }
  return bits;
}

/** No hint begins with a letter below it: Latin, Greek, Cyrillic, Hebrew. */
const FIRST_CODE = 0x600;
const MAX_HINTS = 5;

/** What a match may begin with: the first sign of every alternative. */
function firstCodesOf({ source }: RegExp): Set<number> {
  return new Set(Array.from(source.matchAll(/(?:^|[|:])(.)/g), ([, first = '']) => first.charCodeAt(0)));
}

const HARD_CODES = firstCodesOf(HARD_UNSPACED);
const EASY_CODES = firstCodesOf(EASY_UNSPACED);

/** The pattern is asked where a match may begin alone: a text has thousands of places, and few such. */
function countHints(text: string, pattern: RegExp, firstCodes: ReadonlySet<number>): number {
  let count = 0;
  for (let index = 0; index < text.length && count < MAX_HINTS; index += 1) {
    const code = text.charCodeAt(index);
    if (code < FIRST_CODE || !firstCodes.has(code)) continue;
    pattern.lastIndex = index;
    if (!pattern.test(text)) continue;
    count += 1;
    index = pattern.lastIndex - 1;
  }
  return count;
}

export function unspacedHints(text: string): { readonly hard: number; readonly easy: number } {
  return {
    hard: countHints(text, HARD_UNSPACED, HARD_CODES),
    easy: countHints(text, EASY_UNSPACED, EASY_CODES),
  };
}
