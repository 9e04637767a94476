import type { BedrockDocumentFormat } from './bedrock-wire.js';

const FORMATS: ReadonlyMap<string, BedrockDocumentFormat> = new Map([
  ['application/pdf', 'pdf'],
  ['text/csv', 'csv'],
  ['application/csv', 'csv'],
  ['application/msword', 'doc'],
  ['application/vnd.openxmlformats-officedocument.wordprocessingml.document', 'docx'],
  ['application/vnd.ms-excel', 'xls'],
  ['application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', 'xlsx'],
  ['text/html', 'html'],
  ['text/plain', 'txt'],
  ['text/markdown', 'md'],
  ['text/x-markdown', 'md'],
]);

const EXTENSIONS: ReadonlyMap<string, BedrockDocumentFormat> = new Map([
  ...['pdf', 'csv', 'doc', 'docx', 'xls', 'xlsx', 'html', 'txt', 'md'].map(
    (format) => [format, format as BedrockDocumentFormat] as const,
  ),
  ['htm', 'html'],
  ['markdown', 'md'],
]);

/** Types that say no more than "a file". */
const ANY_FILE: ReadonlySet<string> = new Set(['application/octet-stream', 'binary/octet-stream']);
/** What clients send as `text/plain` for want of a better type. */
const TEXT_FORMATS: ReadonlySet<string | undefined> = new Set(['csv', 'html', 'md']);

/**
 * The name Bedrock has for a document's type. The file's extension decides where the type says little; other kinds of
 * text are text. Undefined for what Bedrock does not read.
 */
export function bedrockDocumentFormat(
  mediaType: string,
  filename: string,
): BedrockDocumentFormat | undefined {
  const extension = /\.([a-z]{2,8})$/i.exec(filename)?.[1]?.toLowerCase() ?? '';
  const byExtension = EXTENSIONS.get(extension);
  if (ANY_FILE.has(mediaType) || (mediaType === 'text/plain' && TEXT_FORMATS.has(byExtension))) {
    return byExtension;
  }
  return FORMATS.get(mediaType) ?? (mediaType.startsWith('text/') ? 'txt' : undefined);
}
