import { didYouMean } from '../config/index.js';
import type { TraceRequest } from './trace-request.js';

/** Why a line cannot be used; the reader puts file and line before it. */
export class BadLine extends Error {
  override readonly name = 'BadLine';
}

/** Every name a column may have, folded: the first of each is the one named in errors. */
const COLUMNS = {
  at: ['timestamp', 'arrivedat', 'arrival', 'arrivaltime', 'startedatms', 'time'],
  promptTokens: ['contexttokens', 'prompttokens', 'inputtokens', 'promptlength', 'inputlength'],
  answerTokens: [
    'generatedtokens',
    'answertokens',
    'completiontokens',
    'outputtokens',
    'answerlength',
    'outputlength',
  ],
  requestClass: ['class', 'requestclass'],
  surface: ['surface'],
  workload: ['workload'],
  streamed: ['streamed', 'stream'],
} as const;
type Column = keyof typeof COLUMNS;
const REQUIRED = ['at', 'promptTokens', 'answerTokens'] as const satisfies readonly Column[];
const MAX_TOKENS = 100_000_000;

function fold(name: string): string {
  return name.toLowerCase().replaceAll(/[\s_-]/g, '');
}

/** Fields of one line; quoted ones may hold commas, and a doubled quote for one. */
export function splitCsv(line: string): string[] {
  if (!line.includes('"')) return line.split(',').map((field) => field.trim());
  const fields: string[] = [];
  let field = '';
  let isQuoted = false;
  for (let index = 0; index < line.length; index += 1) {
    const character = line.charAt(index);
    if (isQuoted) {
      if (character !== '"') field += character;
      else if (line.charAt(index + 1) === '"') {
        field += '"';
        index += 1;
      } else isQuoted = false;
    } else if (character === '"') isQuoted = true;
    else if (character === ',') {
      fields.push(field.trim());
      field = '';
    } else field += character;
  }
  if (isQuoted) throw new BadLine('a quote is opened and not closed');
  return [...fields, field.trim()];
}

/** Epoch milliseconds of a time as traces have it: a date (in UTC where it names no zone), or a number of ms or s. */
export function parseTime(text: string): number | undefined {
  if (/^\d{1,16}(?:\.\d{1,9})?$/.test(text)) {
    const value = Number(text);
    // Seconds of the years 2001 to 5138 and milliseconds of 1973 to 5138 do not overlap; small ones count from 0.
    return value >= 1e9 && value < 1e11 ? value * 1_000 : value;
  }
  const found = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?\s?(Z|[+-]\d\d:?\d\d)?$/.exec(text);
  if (found === null) return undefined;
  const [, date = '', time = '', fraction = '0', zone = 'Z'] = found;
  const atMs = Date.parse(`${date}T${time}${zone}`);
  return Number.isNaN(atMs) ? undefined : atMs + Number(`0.${fraction}`) * 1_000;
}

/** Reads the lines of a CSV of arrivals. The columns are found by their names in its first line. */
export class CsvTraceReader {
  readonly #places = new Map<Column, number>();
  readonly #names: readonly string[];

  /** @throws {@link BadLine} where a column is missing. */
  constructor(header: string) {
    this.#names = splitCsv(header);
    const folded = this.#names.map(fold);
    for (const column of Object.keys(COLUMNS) as Column[]) {
      const place = folded.findIndex((name) => (COLUMNS[column] as readonly string[]).includes(name));
      if (place >= 0) this.#places.set(column, place);
    }
    for (const column of REQUIRED) {
      if (this.#places.has(column)) continue;
      // Of a file that is no text at all, a terminal is not to be given what would steer it.
      const meant = this.#names.map((name) => name.slice(0, 40).replaceAll(/\p{C}/gu, '�')).join(', ');
      const [name = ''] = COLUMNS[column];
      throw new BadLine(
        `there is no column for ${describe(column)}: it is called one of ${COLUMNS[column].join(', ')}; ` +
          `found were ${meant}.${didYouMean(name, folded)} Lines of a request log begin with {.`,
      );
    }
  }

  /** @throws {@link BadLine}. */
  read(line: string): TraceRequest {
    const fields = splitCsv(line);
    const text = (column: Column): string | undefined => {
      const place = this.#places.get(column);
      const field = place === undefined ? undefined : fields[place];
      return field === '' ? undefined : field;
    };
    const atMs = parseTime(text('at') ?? '');
    if (atMs === undefined) {
      throw new BadLine(
        `${this.show('at', fields)} is no time such as "2023-11-16 18:15:46.680" or 1700158546680`,
      );
    }
    const workload = text('workload');
    if (workload !== undefined && workload !== 'interactive' && workload !== 'background') {
      throw new BadLine(`${this.show('workload', fields)} is neither "interactive" nor "background"`);
    }
    return {
      atMs,
      promptTokens: this.tokens('promptTokens', fields),
      answerTokens: this.tokens('answerTokens', fields),
      requestClass: text('requestClass'),
      surface: text('surface'),
      workload,
      streamed: this.flag(text('streamed'), fields),
    };
  }

  private tokens(column: Column, fields: readonly string[]): number {
    const text = fields[this.#places.get(column) ?? -1] ?? '';
    const value = Number(text);
    if (text !== '' && Number.isSafeInteger(value) && value >= 0 && value <= MAX_TOKENS) return value;
    throw new BadLine(`${this.show(column, fields)} is no number of tokens`);
  }

  private flag(text: string | undefined, fields: readonly string[]): boolean {
    switch (text?.toLowerCase()) {
      case undefined:
      case 'true':
      case '1':
      case 'yes':
        return true;
      case 'false':
      case '0':
      case 'no':
        return false;
      default:
        throw new BadLine(`${this.show('streamed', fields)} is neither true nor false`);
    }
  }

  /** Names the field and quotes the start of it: a trace holds numbers and names, no prompts. */
  private show(column: Column, fields: readonly string[]): string {
    const place = this.#places.get(column) ?? -1;
    return `${this.#names[place] ?? column} "${(fields[place] ?? '').slice(0, 40)}"`;
  }
}

function describe(column: (typeof REQUIRED)[number]): string {
  switch (column) {
    case 'at':
      return 'the time of arrival';
    case 'promptTokens':
      return 'the length of the prompt';
    case 'answerTokens':
      return 'the length of the answer';
  }
}
