import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { createGunzip } from 'node:zlib';
import { TraceError } from './trace-error.js';

const MAX_LINE_CHARACTERS = 1024 * 1024;
const GZIP_MAGIC = [0x1f, 0x8b];

export interface TraceLine {
  /** From 1. */
  readonly number: number;
  readonly text: string;
  /** No line break follows: whoever wrote it may have been stopped in the middle. */
  readonly isLast: boolean;
}

function unreadable(file: string, error: unknown): TraceError {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return new TraceError(file, undefined, 'there is no such file');
  if (code?.startsWith('Z_') === true)
    return new TraceError(file, undefined, `is no whole gzip file (${code})`);
  return new TraceError(file, undefined, `cannot be read (${code ?? 'unknown error'})`);
}

async function isGzip(file: string): Promise<boolean> {
  const handle = await open(file, 'r');
  try {
    if (!(await handle.stat()).isFile()) throw new TraceError(file, undefined, 'is not a file');
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && GZIP_MAGIC.every((byte, index) => buffer[index] === byte);
  } finally {
    await handle.close();
  }
}

/**
 * The lines of a text file, packed by gzip or not, piece by piece: the whole of it is never in memory. Empty ones are left
 * out.
 *
 * @throws {@link TraceError}.
 */
export async function* readLines(file: string): AsyncGenerator<TraceLine, void, undefined> {
  try {
    const isPacked = await isGzip(file);
    const bytes = createReadStream(file);
    // Fails as the file itself does, and is then destroyed with it.
    const source = isPacked ? pipeline(bytes, createGunzip(), () => undefined) : bytes;
    const decoder = new StringDecoder('utf8');
    let rest = '';
    let number = 0;
    for await (const chunk of source as AsyncIterable<Buffer>) {
      const lines = (rest + decoder.write(chunk)).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        number += 1;
        const text = trimmed(line, number);
        if (text !== '') yield { number, text, isLast: false };
      }
      if (rest.length > MAX_LINE_CHARACTERS) {
        throw new TraceError(file, number + 1, `the line is longer than ${MAX_LINE_CHARACTERS} characters`);
      }
    }
    const text = trimmed(rest + decoder.end(), number + 1);
    if (text !== '') yield { number: number + 1, text, isLast: true };
  } catch (error) {
    throw error instanceof TraceError ? error : unreadable(file, error);
  }
}

function trimmed(line: string, number: number): string {
  const text = line.trim();
  // Spreadsheets put it before the first line.
  return number === 1 && text.startsWith('\uFEFF') ? text.slice(1) : text;
}
