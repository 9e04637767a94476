// A client that believes nothing: raw HTTP, its own reading of the stream, and a verdict on every request.
import { Agent, request as httpRequest } from 'node:http';

/**
 * @typedef {'ok' | 'failed' | 'truncated' | 'corrupt' | 'untyped' | 'hang' | 'left'} Verdict
 * ok: all of one upstream's answer, and its proper end. failed: an error in OpenAI's shape with a code, as an HTTP answer
 * or as an event of the stream. truncated: it ends as if whole, and is not. corrupt: text that no upstream said, or a
 * stream that breaks its format. untyped: a connection that breaks, an error without a code. hang: it does not end.
 */

/**
 * @typedef {object} Reading
 * @property {Verdict} verdict
 * @property {string | undefined} detail
 * @property {number} startedAt epoch milliseconds
 * @property {number | undefined} firstTokenMs
 * @property {number} endMs
 * @property {number | undefined} status
 * @property {import('node:http').IncomingHttpHeaders} headers
 */

export class StrictClient {
  #agent = new Agent({ keepAlive: true, maxSockets: Infinity });
  #origin;
  #spoken;

  constructor(origin, spoken) {
    this.#origin = origin;
    this.#spoken = spoken;
  }

  /**
   * @param {object} ask
   * @param {string} ask.id
   * @param {object} ask.body
   * @param {Record<string, string>} [ask.headers]
   * @param {number} ask.firstByteWithinMs no later may an answer begin
   * @param {number} ask.silenceMs no longer may a stream pause
   * @param {number} [ask.leaveAfterMs] the client goes then, whatever has come
   * @returns {Promise<Reading>}
   */
  send({ id, body, headers = {}, firstByteWithinMs, silenceMs, leaveAfterMs }) {
    const startedAt = Date.now();
    const start = performance.now();
    const since = () => performance.now() - start;
    return new Promise((resolve) => {
      let hasEnded = false;
      let patience;
      const stream = new StreamReading();
      const received = { status: undefined, headers: {}, firstTokenMs: undefined };
      const end = (verdict, detail) => {
        if (hasEnded) return;
        hasEnded = true;
        clearTimeout(patience);
        clearTimeout(leaving);
        outgoing.destroy();
        resolve({ verdict, detail, startedAt, endMs: since(), ...received });
      };
      const waitFor = (ms) => {
        clearTimeout(patience);
        patience = setTimeout(
          () => end('hang', received.firstTokenMs === undefined ? 'before the first token' : 'after it'),
          ms,
        );
      };
      const leaving =
        leaveAfterMs === undefined ? undefined : setTimeout(() => end('left', undefined), leaveAfterMs);
      const outgoing = httpRequest(
        `${this.#origin}/v1/chat/completions`,
        {
          method: 'POST',
          agent: this.#agent,
          headers: { 'content-type': 'application/json', ...headers },
        },
        (incoming) => {
          received.status = incoming.statusCode;
          received.headers = incoming.headers;
          const isStream = /^text\/event-stream/.test(incoming.headers['content-type'] ?? '');
          let text = '';
          incoming.setEncoding('utf8');
          incoming.on('data', (piece) => {
            if (!isStream) {
              text += piece;
              return;
            }
            stream.take(piece);
            if (stream.text !== '') {
              received.firstTokenMs ??= since();
              waitFor(silenceMs);
            }
          });
          incoming.on('error', (error) => end('untyped', `broken off: ${error.code ?? error.message}`));
          incoming.on('close', () => {
            if (!incoming.complete) end('untyped', 'broken off');
          });
          incoming.on('end', () => {
            // Nothing of the socket's is left to be destroyed: it goes back to the agent.
            const judge = (content) => this.#spoken.judge(id, content);
            const [verdict, detail] = isStream
              ? stream.verdict(judge)
              : wholeVerdict(received.status, text, judge, body.stream === true);
            end(verdict, detail);
          });
        },
      );
      outgoing.on('error', (error) => end('untyped', `no answer: ${error.code ?? error.message}`));
      waitFor(firstByteWithinMs);
      outgoing.end(JSON.stringify(body));
    });
  }

  close() {
    this.#agent.destroy();
  }
}

function errorVerdict(error, where) {
  const isTyped =
    typeof error?.message === 'string' &&
    typeof error.type === 'string' &&
    typeof error.code === 'string' &&
    error.code !== '';
  return isTyped ? ['failed', `${where} ${error.code}`] : ['untyped', `${where} ${JSON.stringify(error)}`];
}

function wholeVerdict(status, text, judge, wantedStream) {
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    return [status === 200 ? 'corrupt' : 'untyped', `${status} without JSON`];
  }
  if (status !== 200) return errorVerdict(body.error, `http ${status}`);
  if (wantedStream) return ['corrupt', 'a whole answer to one who asked for a stream'];
  const choice = body.choices?.[0];
  if (body.object !== 'chat.completion' || typeof choice?.message?.content !== 'string') {
    return ['corrupt', 'not a chat completion'];
  }
  const heard = judge(choice.message.content);
  if (heard === 'corrupt') return ['corrupt', 'text that nobody said'];
  if (heard === 'beginning' || choice.finish_reason !== 'stop')
    return ['truncated', `whole answer, ${choice.finish_reason}`];
  return ['ok', undefined];
}

/** The events of one stream, read by the letter. */
class StreamReading {
  text = '';
  #rest = '';
  #finish;
  #isDone = false;
  #error;
  #ids = new Set();
  #fault;

  take(piece) {
    const lines = (this.#rest + piece).split('\n');
    this.#rest = lines.pop();
    for (const line of lines) {
      if (line.startsWith('data:')) this.#data(line.slice(5).trim());
      else if (line !== '' && !line.startsWith(':'))
        this.#fault ??= `a line that is no event: ${line.slice(0, 40)}`;
    }
  }

  #data(data) {
    if (this.#isDone || this.#error !== undefined) {
      this.#fault ??= `something after the ${this.#isDone ? 'end' : 'error'}: ${data.slice(0, 40)}`;
      return;
    }
    if (data === '[DONE]') {
      this.#isDone = true;
      return;
    }
    let chunk;
    try {
      chunk = JSON.parse(data);
    } catch {
      this.#fault ??= 'an event that is no JSON';
      return;
    }
    if (chunk.error !== undefined) {
      this.#error = chunk.error;
      return;
    }
    if (chunk.object !== 'chat.completion.chunk') this.#fault ??= `an event of kind ${chunk.object}`;
    this.#ids.add(chunk.id);
    for (const choice of chunk.choices ?? []) {
      if (this.#finish !== undefined && choice.delta?.content) this.#fault ??= 'text after the finish reason';
      this.text += choice.delta?.content ?? '';
      this.#finish ??= choice.finish_reason ?? undefined;
    }
  }

  /** @returns {[Verdict, string | undefined]} */
  verdict(judge) {
    if (this.#fault !== undefined) return ['corrupt', this.#fault];
    if (this.#ids.size > 1) return ['corrupt', 'chunks of several answers'];
    const heard = judge(this.text);
    if (heard === 'corrupt') return ['corrupt', 'text that nobody said'];
    if (this.#error !== undefined) return errorVerdict(this.#error, 'event');
    if (this.#rest.trim() !== '') return ['truncated', 'ends within a line'];
    if (!this.#isDone) return ['truncated', 'no [DONE]'];
    if (this.#finish !== 'stop') return ['truncated', `finish reason ${this.#finish}`];
    if (heard === 'beginning') return ['truncated', 'not all of the text'];
    return ['ok', undefined];
  }
}
