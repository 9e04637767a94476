import { BehaviourLearner } from './behaviour-learner.js';
import type { DeploymentBehaviour } from './deployment-behaviour.js';
import { BadLine, CsvTraceReader } from './read-csv-trace.js';
import { readLines, type TraceLine } from './read-lines.js';
import { readLogLine } from './read-log-line.js';
import { TraceError } from './trace-error.js';
import type { TraceRequest } from './trace-request.js';

/** Some 200 MB of them. */
const MAX_REQUESTS = 2_000_000;

export interface Trace {
  /** In the order of their time. */
  readonly requests: readonly TraceRequest[];
  /** What the recorded calls show of the deployments; empty where the trace has none. */
  readonly behaviours: ReadonlyMap<string, DeploymentBehaviour>;
  /** For people: what of the file is not replayed, and what was put in for what it lacks. */
  readonly notes: readonly string[];
}

export interface ReadTraceOptions {
  /** More of them are refused. @defaultValue 2000000 */
  readonly maxRequests?: number;
}

/**
 * Reads a recorded day: JSONL of the request log, or a CSV of arrivals, prompt and answer lengths; packed by gzip or not.
 *
 * @throws {@link TraceError} that names the line.
 */
export async function readTrace(
  file: string,
  { maxRequests = MAX_REQUESTS }: ReadTraceOptions = {},
): Promise<Trace> {
  const requests: TraceRequest[] = [];
  let reader: LineReader | undefined;
  for await (const line of readLines(file)) {
    try {
      reader ??= line.text.startsWith('{') ? new LogReader() : new CsvReader(line.text);
      const request = reader.read(line);
      if (request === undefined) continue;
      if (requests.length >= maxRequests) throw new BadLine(`there are more than ${maxRequests} requests`);
      requests.push(request);
    } catch (error) {
      throw error instanceof BadLine ? new TraceError(file, line.number, error.message) : error;
    }
  }
  if (reader === undefined) throw new TraceError(file, undefined, 'is empty');
  const found = reader.end(requests);
  if (found.requests.length === 0)
    throw new TraceError(file, undefined, 'holds no request that can be replayed');
  // A log is in the order of the ends. Stable, so that the same file is the same day.
  return { ...found, requests: found.requests.toSorted((first, second) => first.atMs - second.atMs) };
}

interface LineReader {
  read(line: TraceLine): TraceRequest | undefined;
  end(requests: readonly TraceRequest[]): Trace;
}

class CsvReader implements LineReader {
  readonly #csv: CsvTraceReader;
  #isHeaderRead = false;

  constructor(header: string) {
    this.#csv = new CsvTraceReader(header);
  }

  read({ text }: TraceLine): TraceRequest | undefined {
    if (this.#isHeaderRead) return this.#csv.read(text);
    this.#isHeaderRead = true;
    return undefined;
  }

  end(requests: readonly TraceRequest[]): Trace {
    return { requests, behaviours: new Map(), notes: [] };
  }
}

class LogReader implements LineReader {
  readonly #learner = new BehaviourLearner();
  readonly #skipped = { embeddings: 0, refused: 0 };
  readonly #unknownLengths = new Set<TraceRequest>();
  #cutOff = 0;
  #whole = 0;

  read({ text, isLast }: TraceLine): TraceRequest | undefined {
    let logged: ReturnType<typeof readLogLine>;
    try {
      logged = readLogLine(text);
    } catch (error) {
      // Its writer was stopped in the middle of a line, or the disk was full; a file of something else is none of that.
      const isTorn = isLast || (this.#whole > 0 && text.startsWith('{') && !text.endsWith('}'));
      if (!isTorn) throw error;
      this.#cutOff += 1;
      return undefined;
    }
    this.#whole += 1;
    for (const call of logged.calls) this.#learner.add(call);
    if (logged.skipped !== undefined) this.#skipped[logged.skipped] += 1;
    if (logged.request === undefined) return undefined;
    const { isLengthKnown, ...request } = logged.request;
    if (!isLengthKnown) this.#unknownLengths.add(request);
    return request;
  }

  end(requests: readonly TraceRequest[]): Trace {
    const { embeddings, refused } = this.#skipped;
    const notes = [
      ...(embeddings > 0 ? [`${embeddings} requests for embeddings are left out`] : []),
      ...(refused > 0
        ? [`${refused} requests that were refused for the caller's own fault are left out`]
        : []),
      ...(this.#cutOff === 0
        ? []
        : [
            this.#cutOff === 1
              ? 'a line is cut off and left out'
              : `${this.#cutOff} lines are cut off and left out`,
          ]),
    ];
    const unknown = this.#unknownLengths;
    const behaviours = this.#learner.behaviours();
    if (unknown.size === 0) return { requests, behaviours, notes };
    const known = requests.filter((request) => !unknown.has(request));
    const promptTokens = median(known.map((request) => request.promptTokens));
    const answerTokens = median(known.map((request) => request.answerTokens));
    const filled = requests.map((request) =>
      unknown.has(request) ? { ...request, promptTokens, answerTokens } : request,
    );
    const filling = `${unknown.size} requests were never answered, so their lengths are not known: the median is taken`;
    return { requests: filled, behaviours, notes: [...notes, filling] };
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((first, second) => first - second);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
}
