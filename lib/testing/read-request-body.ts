import type { IncomingMessage } from 'node:http';
import { isRecord, type JsonRecord } from './json-value.js';

const MAXIMUM_BODY_BYTES = 32 * 1024 * 1024;

/** The body's bytes, all read; undefined where there were too many of them. */
export async function readRequestBody(incoming: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length <= MAXIMUM_BODY_BYTES) chunks.push(chunk);
    else chunks.length = 0;
  }
  return length <= MAXIMUM_BODY_BYTES ? Buffer.concat(chunks) : undefined;
}

export function parseRequestBody(bytes: Buffer | undefined): JsonRecord | undefined {
  try {
    const value: unknown = JSON.parse(bytes?.toString('utf8') ?? '');
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
