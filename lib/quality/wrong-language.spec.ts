import { describe, expect, it } from 'vitest';
import { validateChatRequest } from '../chat/index.js';
import type { JudgedChoice } from './answer-collector.js';
import { askedOfAnswer } from './asked-of-answer.js';
import { clearLanguage } from './clear-language.js';
import { isWrongLanguage } from './wrong-language.js';

const TEXTS = {
  en: 'You can reset your password on the settings page, and we will send you an email with a link that works for one hour.',
  de: 'Sie können Ihr Passwort auf der Seite mit den Einstellungen ändern, und wir senden Ihnen dann eine Nachricht mit einem Link, der für eine Stunde gilt.',
  fr: 'Vous pouvez changer votre mot de passe sur la page des paramètres, et nous vous enverrons un message avec un lien qui est valable pour une heure.',
  es: 'Usted puede cambiar la contraseña en la página de ajustes, y le vamos a enviar un mensaje con un enlace que es válido por una hora.',
  ru: 'Вы можете сменить пароль на странице настроек, и мы пришлём вам письмо со ссылкой, которая действует один час.',
  ja: '設定ページでパスワードを変更できます。一時間だけ有効なリンクをメールでお送りします。',
  zh: '您可以在设置页面上更改密码,我们会向您发送一封带有链接的电子邮件,该链接在一小时内有效。',
  ko: '설정 페이지에서 비밀번호를 변경할 수 있으며, 한 시간 동안 유효한 링크를 이메일로 보내 드립니다.',
  ar: 'يمكنك تغيير كلمة المرور من صفحة الإعدادات، وسنرسل إليك رسالة تحتوي على رابط صالح لمدة ساعة واحدة.',
  hi: 'आप सेटिंग पेज पर अपना पासवर्ड बदल सकते हैं, और हम आपको एक लिंक भेजेंगे जो एक घंटे तक मान्य रहेगा।',
} as const;

const QUESTIONS = {
  en: 'How can I change my password when I do not have the old one any more?',
  de: 'Wie kann ich mein Passwort ändern, wenn ich das alte nicht mehr habe?',
  fr: "Comment est-ce que je peux changer mon mot de passe si je n'ai plus le vieux ?",
  es: '¿Cómo puedo cambiar mi contraseña si ya no tengo la de antes?',
  ru: 'Как мне сменить пароль, если я не помню старый?',
  ja: '古いパスワードを忘れた場合、どうすれば変更できますか?',
  zh: '如果我不记得旧密码,该如何更改我的密码?',
  ko: '예전 비밀번호를 잊어버렸을 때 어떻게 변경하나요?',
  ar: 'كيف يمكنني تغيير كلمة المرور إذا نسيت القديمة؟',
  hi: 'अगर मुझे पुराना पासवर्ड याद नहीं है तो मैं उसे कैसे बदलूँ?',
} as const;

type Language = keyof typeof TEXTS;
const LANGUAGES = Object.keys(TEXTS) as Language[];

function choice(text: string, more: Partial<JudgedChoice> = {}): JudgedChoice {
  return {
    text,
    isTextWhole: true,
    hasContent: true,
    isRefusal: false,
    finishReason: 'stop',
    calls: [],
    ...more,
  };
}

function isWrong(question: string, answer: string, before: object[] = [], more: object = {}): boolean {
  const messages = [...before, { role: 'user', content: question }];
  return isWrongLanguage(choice(answer), askedOfAnswer(validateChatRequest({ messages, ...more })));
}

describe('clearLanguage', () => {
  it.each(LANGUAGES)('is sure of %s', (language) => {
    expect(clearLanguage(TEXTS[language])).toBe(language);
    expect(clearLanguage(QUESTIONS[language])).toBe(language);
  });

  it.each([
    '',
    'Yes.',
    'Toyota Corolla, Honda Civic, Ford Focus, Opel Astra, Skoda Octavia',
    'Hoe kan ik mijn wachtwoord wijzigen als ik het oude niet meer weet?',
    'Jak mogę zmienić hasło, jeśli nie pamiętam już starego?',
    '1234567890 '.repeat(20),
    'Москва',
  ])('is in doubt of %j', (text) => {
    expect(clearLanguage(text)).toBe(undefined);
  });
});

describe('isWrongLanguage', () => {
  it.each(LANGUAGES.flatMap((asked) => LANGUAGES.map((spoken) => [asked, spoken] as const)))(
    'asked in %s, answered in %s',
    (asked, spoken) => {
      const isAlike = asked === spoken || [asked, spoken].every((one) => one === 'ja' || one === 'zh');
      expect(isWrong(QUESTIONS[asked], TEXTS[spoken])).toBe(!isAlike);
    },
  );

  it.each<[string, string, string]>([
    ['a translation', 'Can you translate this for me, please: how do I get to the station?', TEXTS.de],
    [
      'a language by its name',
      'Please write an email in German to the people who have lost their key',
      TEXTS.de,
    ],
    ['one in its own words', 'Schreibe mir bitte die Antwort auf Englisch, wenn du das kannst', TEXTS.en],
    ['in Chinese', '请把这句话翻译成英文,谢谢你的帮助和耐心', TEXTS.en],
    ['a text that is quoted', `What do you think of this and would you say it so: "${TEXTS.de}"`, TEXTS.de],
    ['a text that was pasted behind the task', `Fasse zusammen:\n${TEXTS.en}`, TEXTS.de],
    ['a text that was pasted before the task', `${TEXTS.en}\n\nFasse das bitte zusammen.`, TEXTS.de],
    ['a question that is too short', 'Passwort vergessen', TEXTS.en],
    ['a long document', `${TEXTS.en} `.repeat(12), TEXTS.de],
  ])('lets pass: %s', (_what, question, answer) => {
    expect(isWrong(question, answer)).toBe(false);
  });

  it('lets code pass, fenced or not, and data', () => {
    const code =
      'for (const item of list) { if (item.is(this)) { return item.and(that); } else { throw new Error("not in the list"); } }';
    for (const answer of [
      code,
      `\`\`\`ts\n// this is the one that you have to call when it is not there\n${code}\n\`\`\``,
      '{"text": "this is what you can do if it is not there and you have to go"}',
      "SELECT name FROM users WHERE this > 1 AND id IN (1) OR that IS NOT NULL AND it = 'x'; -- is it in the list of that",
    ]) {
      expect(isWrong(QUESTIONS.de, answer)).toBe(false);
    }
  });

  it('follows the conversation and its instructions', () => {
    expect(isWrong(QUESTIONS.en, TEXTS.de)).toBe(true);
    expect(isWrong(QUESTIONS.en, TEXTS.de, [{ role: 'user', content: QUESTIONS.de }])).toBe(false);
    expect(isWrong(QUESTIONS.en, TEXTS.de, [{ role: 'system', content: TEXTS.de }])).toBe(false);
    const instruction = { role: 'system', content: 'Always answer in German.' };
    expect(isWrong(QUESTIONS.en, TEXTS.de, [instruction])).toBe(false);
    expect(isWrong(QUESTIONS.en, TEXTS.de, [{ role: 'system', content: 'Be brief.' }])).toBe(true);
  });

  it('says nothing of JSON', () => {
    const more = { response_format: { type: 'json_object' } };
    expect(isWrong(QUESTIONS.en, TEXTS.de, [], more)).toBe(false);
  });
});
