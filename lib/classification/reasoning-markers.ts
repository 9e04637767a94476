import { type Hint, startsOf, startsOfPattern } from './word-starts.js';

/** Words and shapes that speak for or against reasoning. */
export interface Marker extends Partial<Hint> {
  readonly pattern: RegExp;
  readonly weight: number;
  /** Counted at most so often. */
  readonly cap: number;
  /** The source of its words, where they do not stand at its beginning. */
  readonly words?: string;
}

/** Where an order stands: at the start of a sentence or a line, or after the words orders are wrapped in. */
const ORDER = '(?:^|[.!?:;\\n] {0,4}|\\b(?:please|you|me|and|to|then|we|i|us) )';
const DIGITS = '0123456789';

function order(words: string): { pattern: RegExp; words: string } {
  return { pattern: new RegExp(`${ORDER}(?:${words})\\b`, 'gi'), words };
}

// Fixed patterns of ours over at most 8 KB. Every quantifier is bounded: the time is linear in the text.
export const MARKERS: readonly Marker[] = [
  // Mathematics and formal argument.
  {
    pattern:
      /\b(?:prove|proof|proven|disprove|derive|deduce|theorem|lemma|corollary|by induction|contradiction|if and only if)\b/gi,
    weight: 2.2,
    cap: 2,
  },
  { ...order('show|demonstrate|argue|establish|verify'), weight: 1.1, cap: 1 },
  {
    pattern: /\b(?:show|demonstrate|argue|establish|verify|suppose|assume|let|given) that\b/gi,
    weight: 0.9,
    cap: 2,
  },
  {
    pattern:
      /\b(?:integral|derivative|eigenvalues?|eigenvectors?|matrix|matrices|vector space|probability|differential|equations?|polynomial|optimal|optimum|optimi[sz]ation|expected (?:value|number)|variance|standard deviation|statistical(?:ly)?|confidence interval|p-value|recurrence|modulo|combinatorial|bijection|continuous|finite|converges?|convergence)\b/gi,
    weight: 1,
    cap: 3,
  },
  { ...order('solve|compute|calculate|determine|find'), weight: 0.8, cap: 1 },
  { pattern: /\bO\([^)\n]{1,12}\)/g, signs: '(', weight: 0.7, cap: 2 },
  // Judgement.
  {
    pattern:
      /\b(?:analy[sz]e[sd]?|analysis|evaluate|compare|contrast|critique|criticise|criticize|assess|assessment|weigh|justify|interpret|prioriti[sz]e|diagnose|investigate|recommend)\b/gi,
    weight: 1.5,
    cap: 2,
  },
  { ...order('analy[sz]e|evaluate|compare|contrast|critique|assess'), weight: 0.6, cap: 1 },
  {
    pattern:
      /\b(?:trade-?offs?|implications?|consequences|hypothes[ei]s|assumptions?|counter-?arguments?|root causes?|causes of|pros and cons|advantages and disadvantages|arguments? (?:for|against|in)|confound(?:er|ers|ing)|edge cases?|failure modes?|risks?|constraints?|rationale|reasoning|limitations|scenarios?|incentives?)\b/gi,
    weight: 1,
    cap: 3,
  },
  {
    pattern:
      /\b(?:step[- ]by[- ]step|each step|reason(?:ing)? through|think (?:carefully|through)|show your (?:work|reasoning)|in (?:detail|depth)|detailed|thorough(?:ly)?|comprehensive|rigorous(?:ly)?|justification|both sides)\b/gi,
    weight: 1,
    cap: 2,
  },
  {
    pattern: /\bwhy (?:do|does|did|is|are|was|were|would|should|has|have|can|could|might|not)\b/gi,
    weight: 0.9,
    cap: 1,
  },
  { pattern: /\bexplain (?:why|how|the (?:difference|reason|trade))\b/gi, weight: 1, cap: 1 },
  {
    pattern: /\bhow (?:would|should|might|could|to) (?:you|i|we|one|they)? ?(?:\w{2,20})\b/gi,
    weight: 0.4,
    cap: 2,
  },
  { pattern: /\b(?:should|whether) (?:i|we|they|it|our|a|the|to)\b/gi, weight: 0.7, cap: 1 },
  // Making something with many parts.
  {
    ...order(
      'design|architect|implement|refactor|re-?write (?:this|the|our|my) (?:code|function|class|module|program|script|query)|debug|troubleshoot|optimi[sz]e|migrate|develop|build|construct|devise|formulate|propose|draft|plan|review|model|simulate|parallelize|benchmark|port|outline|create a (?:plan|strategy|system|model|program|script)',
    ),
    weight: 1.4,
    cap: 2,
  },
  {
    pattern:
      /\b(?:business plan|strategy|roadmap|architecture|road map|forecast|budget|proposal|white ?paper|essay|thesis|dissertation|research|experiments?|case study|policy|framework|methodology|training (?:plan|programme|program)|curriculum|contract|clause|legislation|regulations?|compliance|migration|specification|report)\b/gi,
    weight: 0.8,
    cap: 3,
  },
  // Software.
  {
    pattern:
      /\b(?:write|create|make|give me|need|generate) (?:an? |the |some )?(?:\w{2,20}[ -]){0,3}(?:script|program|function|class|parser|compiler|algorithm|query|regex|module|service|api|application|app|simulation|scheduler|test suite|unit tests?|essay|plan)\b/gi,
    weight: 1.5,
    cap: 1,
  },
  {
    pattern:
      /\b(?:race conditions?|deadlocks?|memory leak|leaks?|stack ?trace|traceback|segfault|exception|bugs?|flaw|crash(?:es|ed)?|regression|bottleneck|time complexity|space complexity|algorithms?|recursion|recursive|data structure|concurren(?:t|cy)|thread-?safe|threads?|async|distributed|consensus|replication|replicat(?:e|es|ing)|sharding|scal(?:e|es|able|ability|ing)|throughput|latency|idempotent|transactions?|fault[- ]toleran(?:t|ce)|high availability|load balanc(?:er|ing)|multi-tenant|microservices?|monolith|downtime|zero-downtime|schema|kubernetes|docker|database|postgres(?:ql)?|mysql|sql|cache|caching|queue|backend|compiler|type system|neural network|machine learning|unit tests?|pipeline|encryption|protocol|handshake|production)\b/gi,
    weight: 0.7,
    cap: 3,
  },
  {
    pattern:
      /\b(?:python|javascript|typescript|java|rust|golang|c\+\+|haskell|kotlin|swift|ruby|scala|react|node\.js|django|spring boot)(?![\w+])/gi,
    weight: 0.7,
    cap: 2,
  },
  {
    pattern: /```|\b(?:function|class|def|SELECT|import|return)\b[^\n]{0,40}[({;:]/g,
    starts: ['function', 'class', 'def', 'select', 'import', 'return'],
    signs: '`',
    weight: 0.9,
    cap: 2,
  },
  // Shape: lists of demands, conditions, figures.
  { pattern: /^[ \t]{0,8}(?:\d{1,3}[.)]|[-*])[ \t]/gm, signs: `-*${DIGITS}`, weight: 0.2, cap: 6 },
  {
    pattern:
      /\b(?:must|constraint|such that|subject to|unless|without|given|provided that|at least|at most|at the same time)\b/gi,
    weight: 0.4,
    cap: 3,
  },
  { pattern: /[=<>≤≥∑∫√±^]/g, signs: '=<>≤≥∑∫√±^', weight: 0.15, cap: 6 },
  { pattern: /\b\d[\d.,]{0,12}/g, signs: DIGITS, weight: 0.15, cap: 5 },
  { pattern: /\\[a-z]{2,20}|\$[^$\n]{1,80}\$/gi, signs: '\\$', weight: 0.4, cap: 4 },
  // A question after its premises: a word problem.
  {
    pattern: /[.,;!?] {1,3}(?:then )?how (?:many|much|long|far|old|fast|tall)\b/gi,
    starts: ['how '],
    weight: 1.1,
    cap: 1,
  },
  // What a small model does as well: words about a given text, look-ups, courtesies.
  {
    ...order(
      'translate|proof-?read|spell|define|rephrase|paraphrase|shorten|summari[sz]e|extract|capitali[sz]e|sort|alphabeti[sz]e|convert (?:\\$?\\d|from \\d)|(?:fix|correct|check) (?:the |my |this )?(?:grammar|spelling|typos?|punctuation)|re-?write (?:this|it|the (?:sentence|text|message|email))|make (?:this|it) (?:sound )?(?:shorter|more|less|simpler)',
    ),
    weight: -1.8,
    cap: 1,
  },
  {
    pattern:
      /\b(?:synonyms?|antonyms?|capital of|what time|opening hours|stand for|how do you say|plural of|hashtags?|joke|one (?:line|word|sentence)|alphabetical|subject line|positive or negative)\b/gi,
    weight: -1.2,
    cap: 1,
  },
  {
    pattern: /^(?:what|who|when|where|which)(?:'s| is| are| was| were| did| does)\b/gi,
    weight: -0.6,
    cap: 1,
  },
  {
    pattern:
      /^(?:hi|hello|hey|thanks|thank you|good (?:morning|evening|afternoon|night)|ok(?:ay)?|yes|no|great|cool)\b.{0,40}$/gi,
    weight: -1.5,
    cap: 1,
  },
];

/** What tells that it may match. Where it names neither starts nor signs, the words it begins with. */
export function hintOf({ pattern, words, starts, signs }: Marker): Hint {
  if (starts !== undefined || signs !== undefined) return { starts: starts ?? [], signs: signs ?? '' };
  return { starts: words === undefined ? startsOfPattern(pattern) : startsOf(words), signs: '' };
}
