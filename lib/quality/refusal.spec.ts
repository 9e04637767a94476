import { describe, expect, it } from 'vitest';
import { quickestMs } from '../../test/support/quickest.js';
import type { JudgedChoice } from './answer-collector.js';
import type { AskedOfAnswer } from './asked-of-answer.js';
import { isRefusal } from './refusal.js';

/** As models refuse, in the languages that are spoken most. Written for this spec, after what models say. */
const REFUSALS = [
  "I'm sorry, but I can't help with that.",
  "I'm sorry, but I can't assist with that request.",
  'I’m sorry, but I can’t help with that.',
  'Sorry, I cannot help you with this.',
  "I can't help with that.",
  'I cannot assist with creating malware.',
  'I apologize, but I cannot provide instructions for making explosives.',
  "I won't help with this, but I am happy to talk about network security in general.",
  "I'm not able to help with that. If you are struggling, please talk to somebody you trust.",
  'I am unable to assist with this request.',
  'As an AI language model, I cannot engage in hateful discussions.',
  'Sorry, but as an AI assistant, I cannot comply with this request.',
  'I must decline to write this. It would hurt real people.',
  'I have to respectfully decline.',
  'Unfortunately, I cannot fulfill this request.',
  "I can't create content that sexualizes minors.",
  "I'm sorry, but that's not something I can help with.",
  'I cannot provide information on how to obtain illegal weapons.',
  'Es tut mir leid, aber dabei kann ich nicht helfen.',
  'Es tut mir leid, aber ich kann dir dabei nicht helfen.',
  'Tut mir leid, bei dieser Anfrage kann ich nicht helfen.',
  'Leider kann ich Ihnen dabei nicht helfen.',
  'Ich kann Ihnen dabei leider nicht helfen.',
  'Je suis désolé, mais je ne peux pas vous aider à faire cela.',
  'Désolé, je ne peux pas répondre à cette demande.',
  'Je ne peux pas vous aider avec cette demande.',
  'Lo siento, pero no puedo ayudarte con eso.',
  'Lo siento, no puedo proporcionar instrucciones para eso.',
  'No puedo ayudar con eso.',
  'Desculpe, mas não posso ajudar com isso.',
  'Sinto muito, mas não posso fornecer instruções para isso.',
  'Mi dispiace, ma non posso aiutarti con questo.',
  'Mi dispiace, non posso soddisfare questa richiesta.',
  'Het spijt me, maar daar kan ik niet bij helpen.',
  'Извините, но я не могу помочь с этим.',
  'К сожалению, я не могу выполнить этот запрос.',
  '很抱歉,我无法提供帮助。',
  '抱歉,我不能协助完成这个请求。',
  '对不起,我无法满足这个要求。',
  '申し訳ありませんが、そのご要望にはお応えできません。',
  'すみませんが、その質問にはお答えできません。',
  '죄송하지만 그 요청은 도와드릴 수 없습니다.',
  '죄송합니다만, 해당 요청에는 답변해 드릴 수 없습니다.',
];

/** What begins much alike, and helps, or is no refusal of the model's. */
const NO_REFUSALS = [
  "I'm sorry to hear that your order is late. It will be with you tomorrow.",
  "I'm sorry for the confusion. The capital of Australia is Canberra.",
  "I can't help but notice that the second loop never ends.",
  "I can't believe it either: the answer is 42.",
  'I cannot find the order 4711 in our system. Could you check the number?',
  "I'm sorry, but I can't find an error in this code: it looks right.",
  'Sorry, that was a mistake. Here is the corrected table.',
  'Unfortunately, the museum is closed on Mondays, so go on Tuesday.',
  'Unfortunately I cannot see the picture. Please upload it again.',
  "I won't go into detail, but the idea is simple: sort first, then search.",
  'As an AI language model, I do not have feelings, but here is a poem about joy.',
  'As an engineer, I cannot recommend this bolt for such loads; take an M12.',
  "I'm afraid the train has left. The next one goes at ten.",
  'I can help with that. First open the settings.',
  'Sorry, I can help you with that now. What is your name?',
  'No, you cannot help with that as a minor; ask a parent to sign.',
  '"I cannot help you," said the old man, and closed the door.',
  'The phrase "I’m sorry, but I can’t help with that" is a typical refusal.',
  "I can't do calculus in my head, so step by step: the derivative is 2x.",
  'I need to ask something first: which version do you use?',
  "I can't provide a definitive number, but estimates range from 10 to 20 million.",
  'Es tut mir leid, dass die Lieferung zu spät kam. Sie kommt morgen.',
  'Leider ist das Museum montags geschlossen.',
  'Leider kann ich das Bild nicht öffnen. Bitte lade es noch einmal hoch.',
  'Tut mir leid für das Missverständnis. Die Antwort ist 7.',
  'Désolé pour la confusion. La réponse est 7.',
  'Malheureusement, le musée est fermé le lundi.',
  'Lo siento, hubo un error. La respuesta correcta es 7.',
  'No puedo encontrar el pedido 4711. ¿Puede revisar el número?',
  'Desculpe pela confusão. A resposta é 7.',
  'Mi dispiace per il ritardo. Il pacco arriva domani.',
  'Извините за путаницу. Правильный ответ: 7.',
  'К сожалению, музей закрыт по понедельникам.',
  '抱歉,刚才的答案有误,正确答案是7。',
  '很抱歉听到这个消息,希望你早日康复。',
  '申し訳ありません、先ほどの回答に誤りがありました。正解は7です。',
  '죄송합니다, 앞의 답이 틀렸습니다. 정답은 7입니다.',
  'Yes.',
  '',
];

const NOTHING: AskedOfAnswer = {
  wanted: undefined,
  tools: () => [],
  toolDemand: { mode: 'auto', only: undefined },
  question: undefined,
  around: [],
};

function choice(text: string, more: Partial<JudgedChoice> = {}): JudgedChoice {
  return {
    text,
    isTextWhole: true,
    hasContent: text !== '',
    isRefusal: false,
    finishReason: 'stop',
    calls: [],
    ...more,
  };
}

describe('isRefusal', () => {
  it.each(REFUSALS)('takes for one: %s', (text) => {
    expect(isRefusal(choice(text), NOTHING)).toBe(true);
    expect(isRefusal(choice(`\n ${text}\n\nIs there anything else?`), NOTHING)).toBe(true);
  });

  it.each(NO_REFUSALS)('takes for none: %s', (text) => {
    expect(isRefusal(choice(text), NOTHING)).toBe(false);
  });

  it('believes the provider', () => {
    expect(isRefusal(choice('', { isRefusal: true }), NOTHING)).toBe(true);
    expect(isRefusal(choice('Well', { finishReason: 'content_filter' }), NOTHING)).toBe(true);
  });

  it('takes what goes on, calls a tool, or was to be translated for none', () => {
    const [text = ''] = REFUSALS;
    expect(isRefusal(choice(`${text} ${'But this is how it is done. '.repeat(50)}`), NOTHING)).toBe(false);
    expect(isRefusal(choice(text, { isTextWhole: false }), NOTHING)).toBe(false);
    expect(isRefusal(choice(text, { calls: [{ name: 'a', argumentsText: '{}' }] }), NOTHING)).toBe(false);
    const question = 'Translate: "Es tut mir leid, dabei kann ich nicht helfen."';
    expect(isRefusal(choice(text), { ...NOTHING, question })).toBe(false);
  });

  it('is quick for texts that are nearly one', () => {
    const texts = [
      "I'm sorry, but as an ",
      'sorry '.repeat(40),
      'i am '.repeat(60),
      'Es tut mir leid '.repeat(20),
    ];
    for (const text of texts.map((start) => start + 'a -'.repeat(200))) {
      expect(quickestMs(1, () => isRefusal(choice(text.slice(0, 900)), NOTHING))).toBeLessThan(1);
    }
  });
});
