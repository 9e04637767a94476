/** A version behind a name: `-2024-07-18`, `-20240718`, `-0613`, `-001`, `@20241022`, `-v1:0`, `-preview-05-20`, `-latest`. */
const VERSION = /(?:[-@:.](?:\d{2,8}|v\d+(?:\.\d+)*|latest|preview|exp|stable|free|fast))+(?:[-:]\d+)*$/;
/** Before a name: `models/`, `openai/`, `accounts/fireworks/models/`, `anthropic.`, `us.anthropic.`. */
const PATH = /^.*\//;
const MAKER = /^(?:[a-z]{2,6}\.)?(?:anthropic|amazon|meta|mistral|cohere|deepseek|openai|qwen)\./;

function stemOf(name: string): string {
  const bare = name.toLowerCase().replace(PATH, '').replace(MAKER, '');
  let stem = bare;
  for (let before = ''; before !== stem;) {
    before = stem;
    stem = stem.replace(VERSION, '');
  }
  // A name that is a version alone stays one.
  return stem === '' ? bare : stem;
}

/**
 * Whether the model that a provider says answered is one that was asked for: the same name, a dated form of it, or the same
 * with the maker's name before it.
 *
 * @param names - What it was asked for, and what else that is known by.
 */
export function isSameModel(reported: string, names: readonly string[]): boolean {
  const stem = stemOf(reported);
  return names.some((name) => name === reported || stemOf(name) === stem);
}
