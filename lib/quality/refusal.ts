import type { JudgedChoice } from './answer-collector.js';
import { type AskedOfAnswer } from './asked-of-answer.js';
import { asksForOtherWords } from './other-words.js';

/** Whoever goes on for longer has helped with something. */
const MAX_REFUSAL_CHARACTERS = 1_000;
/** It says so at once, or not at all. */
const OPENING_CHARACTERS = 240;

const SORRY_EN = String.raw`(?:(?:i['’]?m|i am|we['’]re|we are)?\s*(?:really |very |truly |so )?(?:sorry|afraid)|i apologi[sz]e|apologies|my apologies|unfortunately)`;
const CANNOT_EN = String.raw`(?:can['’]?t|cannot|can not|won['’]?t|will not|(?:am|['’]m) (?:not able|unable|not allowed|not permitted|not going) to|must decline to|have to decline to|(?:do not|don['’]t) feel comfortable)`;
/** What models say that they will not do; what people cannot do (find, see, believe) is not among it. */
const DO_EN = String.raw`(?:help(?:ing)? (?:you )?(?:with|to|create|make|do|out|in)\b|help (?:you )?with|assist(?:ing)?\b|comply|fulfil?l|engage in|participate in|support (?:that|this) request|do that|discuss (?:that|this)|provide (?:you with )?(?:instructions|guidance|information (?:on|about|that)|details on|advice on how|that|this|assistance|help|any (?:information|instructions|guidance))|(?:create|write|generate|produce) (?:that|this|such|any|content|hateful|explicit|sexual|malicious|material)|answer (?:that|this)|continue (?:with )?this)`;

/** Openings by which models refuse, as they are written in each language. */
const OPENINGS: readonly RegExp[] = [
  new RegExp(
    `^(?:${SORRY_EN}[,.!;:]?\\s*(?:but\\s*)?(?:as an? [\\w -]{2,40},\\s*)?)?i\\s*${CANNOT_EN}\\s+(?:be able to )?${DO_EN}`,
    'i',
  ),
  new RegExp(
    `^(?:${SORRY_EN}[,.!;:]?\\s*(?:but\\s*)?)?as an? (?:ai|artificial|large language|language)[\\w -]{0,40},\\s*i\\s*${CANNOT_EN}\\s+${DO_EN}`,
    'i',
  ),
  /^(?:i['’]?m |i am )?sorry,?\s*(?:but\s*)?(?:that['’]?s|this is|that is) (?:not )?something i (?:can['’]?t|cannot|can|won['’]?t) (?:help|assist)/i,
  /^(?:i['’]?m |i am )?sorry,?\s*(?:but\s*)?(?:your|this|that|the) request (?:violates|goes against|is against)/i,
  /^i (?:must|have to|need to) (?:respectfully )?(?:decline|refuse)\b/i,
  /^(?:(?:es )?tut mir (?:sehr )?leid|entschuldigung|leider|bedaure)[,.!]?\s*(?:aber\s*)?(?:(?:da)?(?:bei|mit|für) (?:dieser|diese|diesem|so einer|solchen) \p{L}+ |dabei |damit |das |hierbei )?(?:kann|darf|werde) ich (?:dir |ihnen |dich |sie )?(?:dabei |damit |hierbei |bei \p{L}+(?: \p{L}+)? |diese anfrage |dieser anfrage |das |auch )*(?:leider )?nicht (?:weiter)?(?:helfen|behilflich|unterstützen|beantworten|nachkommen|erfüllen|tun|bereitstellen|machen)/iu,
  /^(?:(?:(?:es )?tut mir (?:sehr )?leid|entschuldigung|bedaure)[,.!]?\s*(?:aber\s*)?)?ich (?:kann|darf|werde) (?:dir |ihnen |dich |sie )?(?:leider )?(?:dabei |damit |hierbei |diese anfrage |dieser anfrage |bei dieser anfrage )(?:leider )?nicht (?:weiter)?(?:helfen|unterstützen|beantworten|nachkommen|erfüllen)/iu,
  /^(?:(?:je suis |je me sens )?(?:vraiment |sincèrement )?désolée?|malheureusement|je regrette|je m['’]excuse)[,.!]?\s*(?:mais\s*)?je ne (?:peux|puis|suis) (?:malheureusement )?(?:pas |pas en mesure d['’e] ?)(?:vous |t['’])?(?:y )?(?:aider (?:à|avec|dans|sur)|aider\b|répondre à (?:cette|votre)|fournir (?:ce|cette|d['’]|des (?:instructions|informations))|satisfaire|donner suite|faire cela|créer (?:ce|de) )/iu,
  /^je ne (?:peux|puis) pas (?:vous |t['’])?aider (?:à|avec|dans|sur)/iu,
  /^(?:lo siento(?: mucho)?|lamento|disculpa|perdón|lamentablemente)[,.!]?\s*(?:pero\s*)?no (?:puedo|me es posible|estoy en condiciones de) (?:ayudar(?:te|le|les)?\b|asistir|cumplir|proporcionar (?:esa|ese|instrucciones|información sobre)|responder a es[ae]|hacer eso|participar)/iu,
  /^no puedo (?:ayudar(?:te|le)?|asistir(?:te|le)?) (?:con|a|en) (?:eso|esa|ese|esta|este)\b/iu,
  /^(?:(?:me )?desculpe|sinto muito|lamento|infelizmente)[,.!]?\s*(?:mas\s*)?(?:eu\s*)?não posso (?:ajudar|ajudá-l[oa]|auxiliar|atender|fornecer (?:ess[ae]|instruções)|responder a ess[ae]|fazer isso)/iu,
  /^(?:mi dispiace|spiacente|purtroppo)[,.!]?\s*(?:ma\s*)?non posso (?:aiutar(?:ti|la|vi)?\b|assister|fornire (?:quest|istruzioni)|soddisfare|rispondere a quest|farlo)/iu,
  /^(?:het spijt me|sorry|helaas)[,.!]?\s*(?:maar\s*)?(?:daar kan ik|ik kan) (?:je |u )?(?:daar |hier )?(?:niet (?:bij|mee) helpen|(?:daarbij|hierbij|daarmee|hiermee) niet helpen|niet helpen)/iu,
  /^(?:извините|простите|к сожалению|мне жаль|прошу прощения)[,.!]?\s*(?:но\s*)?я не (?:могу|буду|имею возможности) (?:вам |тебе )?(?:с этим |в этом )?(?:помочь|помогать|выполнить (?:этот|ваш)|ответить на этот|предоставить (?:эту|такую|инструкции)|содействовать)/iu,
  /^(?:很?抱歉|对不起|對不起|非常抱歉)[,,。!!]?\s*(?:但是?|不过)?我?(?:无法|不能|無法|没有办法)(?:为您|为你|給您|给您|给你|向您)?(?:提供(?:帮助|此|该|这|相關|相关)|协助|協助|帮助|幫助|满足|回答(?:这|此|该|您的)|完成(?:这|此|该)|处理(?:这|此|该)|继续)/u,
  /^(?:申し訳(?:ありません|ございません)|すみません|ごめんなさい)[がけ]?(?:ど)?[、。,]?\s*(?:その|この|そのような|そういった|ご)?(?:要望|リクエスト|依頼|質問|ご要望|ご依頼|内容|こと)?(?:に|には|は|を|について)?(?:お答え|お手伝い|応え|対応|お応え|協力|支援|お力添え)(?:する(?:こと)?|は|を)?(?:が|は)?(?:でき(?:ません|かねます|ない)|いたしかねます|しかねます)/u,
  /^(?:죄송(?:하지만|합니다만?|해요)|미안하지만)[,.]?\s*(?:저는 )?(?:그|이|해당|그런|이런)?\s*(?:요청|부탁|질문|내용|것)?(?:에|은|을|에는|에 대해|에 대해서는)?\s*(?:도와드릴|도움을 드릴|답변(?:해 ?드릴|할)|응(?:할|해 드릴)|제공(?:할|해 ?드릴)) 수 없/u,
];

/**
 * The model says that it will not: its provider says so, or it begins as refusals do. A translation that begins so, or a
 * text about such words, is none.
 */
export function isRefusal(choice: JudgedChoice, asked: AskedOfAnswer): boolean {
  if (choice.isRefusal || choice.finishReason === 'content_filter') return true;
  if (choice.calls.length > 0 || !choice.isTextWhole || choice.text.length > MAX_REFUSAL_CHARACTERS) {
    return false;
  }
  return opensAsRefusal(choice.text) && !asksForOtherWords(asked.question ?? '');
}

/** By its first words alone. */
export function opensAsRefusal(text: string): boolean {
  const opening = text.trimStart().slice(0, OPENING_CHARACTERS);
  return OPENINGS.some((pattern) => pattern.test(opening));
}
