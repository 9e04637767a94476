/** The beginning of a text, where the task mostly stands, and its end: at most so many characters. */
export function boundedText(text: string, maxCharacters: number): string {
  if (text.length <= maxCharacters) return text;
  const half = Math.floor((maxCharacters - 1) / 2);
  return `${whole(text.slice(0, half))}\n${whole(text.slice(-half))}`;
}

/** Without the half of a character that a cut has left at either end. */
function whole(text: string): string {
  return text.replace(/[\ud800-\udbff]$/, '').replace(/^[\udc00-\udfff]/, '');
}
