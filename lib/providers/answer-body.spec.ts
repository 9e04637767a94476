import { once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import { ProviderError } from '../errors/provider-error.js';
import { AnswerBody, decodeContent } from './answer-body.js';
import { readBodyText } from './read-body.js';

describe('AnswerBody', () => {
  it('hands everything on, holds the source back, and tells its end once', async () => {
    const onClosed = vi.fn();
    let produced = 0;
    const source = new Readable({
      highWaterMark: 1024,
      read() {
        produced += 1;
        this.push(produced > 2000 ? null : Buffer.alloc(1024, produced % 251));
      },
    });
    const body = new AnswerBody(source, onClosed);
    await once(body, 'readable');
    expect(produced).toBeLessThan(500);
    expect(onClosed).not.toHaveBeenCalled();

    let bytes = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) {
      bytes += chunk.byteLength;
    }
    expect(bytes).toBe(2000 * 1024);
    expect(onClosed).toHaveBeenCalledTimes(1);
  });

  it.each([
    ['was destroyed without a reason', undefined],
    ['failed', Object.assign(new Error('sk-secret'), { code: 'ECONNRESET' })],
  ])('is an error when the source %s', async (_name, error) => {
    const source = new PassThrough();
    const body = new AnswerBody(source, () => undefined);
    source.write('first');
    source.destroy(error);
    const failure: unknown = await readBodyText(body, 1000).catch((thrown: unknown) => thrown);
    expect(failure).toBeInstanceOf(ProviderError);
    expect(failure).toMatchObject({ kind: 'connection', providerCode: 'ECONNRESET' });
  });

  it('is an error when the source was gone before', async () => {
    const source = new PassThrough();
    source.destroy();
    await once(source, 'close');
    const onClosed = vi.fn();
    const body = new AnswerBody(source, onClosed);
    await expect(readBodyText(body, 1000)).rejects.toMatchObject({ kind: 'connection' });
    expect(onClosed).toHaveBeenCalledTimes(1);
  });

  it('does not end the process when it fails unheard', async () => {
    const source = new PassThrough();
    const body = new AnswerBody(source, () => undefined);
    // Not `once` of node:events, which would listen for the error.
    const closed = new Promise<void>((resolve) => body.once('close', resolve));
    body.destroy(new Error('aborted'));
    await closed;
    expect(source.destroyed).toBe(true);
  });
});

describe('decodeContent', () => {
  it('leaves identity alone, and does not pretend to know others', () => {
    const source = new PassThrough();
    expect(decodeContent(source, 'identity')).toBe(source);
    expect(decodeContent(source, 'zstd')).toBeUndefined();
    expect(decodeContent(source, 'gzip, secret')).toBeUndefined();
  });
});

describe('readBodyText', () => {
  it('joins characters cut between chunks and drops a byte order mark', async () => {
    const bytes = Buffer.from('\uFEFF{"ä":"🙂"}');
    const pieces = Array.from(bytes, (_byte, index) => bytes.subarray(index, index + 1));
    expect(await readBodyText(Readable.from(pieces), bytes.byteLength)).toBe('{"ä":"🙂"}');
  });

  it('takes exactly the cap and not a byte more', async () => {
    expect(await readBodyText(Readable.from([Buffer.from('abcd')]), 4)).toBe('abcd');
    const body = Readable.from([Buffer.from('abcd'), Buffer.from('e')]);
    await expect(readBodyText(body, 4)).rejects.toMatchObject({
      kind: 'bad_response',
      providerCode: 'response_too_large',
    });
    expect(body.destroyed).toBe(true);
  });

  it('fails on a body somebody else has destroyed', async () => {
    const body = new PassThrough();
    const reading = readBodyText(body, 100);
    body.destroy();
    await expect(reading).rejects.toMatchObject({ kind: 'connection', providerCode: 'ECONNRESET' });
  });
});
