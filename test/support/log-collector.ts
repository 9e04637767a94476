import type { LoggerService } from '@nestjs/common';
import { EventEmitter, on } from 'node:events';
import { inspect } from 'node:util';

/** Keeps every line the application logs. */
export class LogCollector implements LoggerService {
  readonly lines: string[] = [];
  /** Of these, the warnings. */
  readonly warnings: string[] = [];
  readonly #news = new EventEmitter();

  /** The first `count` lines that match, as soon as there are so many. */
  async whenLines(pattern: RegExp, count: number): Promise<string[]> {
    const news = on(this.#news, 'line');
    for (;;) {
      const matching = this.lines.filter((line) => pattern.test(line));
      if (matching.length >= count) {
        await news.return?.();
        return matching.slice(0, count);
      }
      await news.next();
    }
  }

  log(...parts: unknown[]): void {
    this.keep(parts);
  }

  error(...parts: unknown[]): void {
    this.keep(parts);
  }

  warn(...parts: unknown[]): void {
    this.warnings.push(render(parts));
    this.keep(parts);
  }

  debug(...parts: unknown[]): void {
    this.keep(parts);
  }

  verbose(...parts: unknown[]): void {
    this.keep(parts);
  }

  fatal(...parts: unknown[]): void {
    this.keep(parts);
  }

  private keep(parts: unknown[]): void {
    this.lines.push(render(parts));
    this.#news.emit('line');
  }
}

function render(parts: readonly unknown[]): string {
  return parts.map((part) => (typeof part === 'string' ? part : inspect(part))).join(' ');
}
