/**
 * Translating, or a language by its name, in the languages that are spoken most. Beginnings of words, since they are
 * inflected.
 */
const OTHER_WORDS =
  /translat|übersetz|traduc|tradui|traduz|tradur|vertaal|vertal|перев[её]|翻译|翻譯|翻訳|訳し|번역|ترجم|अनुवाद|tłumacz|language|sprache|langue|idioma|lingua|língua|язык|语言|語言|言語|언어|\benglish|\bgerman|\bfrench|\bspanish|\bitalian|\bportuguese|\brussian|\bchinese|\bmandarin|\bjapanese|\bkorean|\barabic|\bhindi|\bdutch|\bpolish|\bturkish|englisch|deutsch|französisch|spanisch|italienisch|portugiesisch|russisch|chinesisch|japanisch|koreanisch|arabisch|anglais|allemand|français|espagnol|italien|portugais|russe|chinois|japonais|inglés|ingles|inglês|alem[áã]|francés|francês|español|espanhol|italiano|portugu[eé]s|português|\bruso|chino|japonés|inglese|tedesc|francese|spagnol|portoghese|russo|cinese|giapponese|английск|немецк|французск|испанск|китайск|японск|русск|英语|英文|英語|德语|法语|中文|汉语|日语|日文|日本語|韓国語|韩语|俄语|한국어|영어|일본어|중국어|독일어|الإنجليزية|العربية|अंग्रेजी|हिंदी/iu;

/** Whether a text speaks of a language or of translating: then nobody can tell which language is wanted. */
export function asksForOtherWords(text: string): boolean {
  return OTHER_WORDS.test(text);
}
