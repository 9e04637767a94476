import { type Recording, readRecordings, reasonOutOfScope, scopeOf } from './recordings.spec-support.js';

export const DIRECTIONS = ['answers', 'streams', 'errors', 'cuts', 'requests'] as const;
export type Direction = (typeof DIRECTIONS)[number];

/** Counts what the suite has shown, and names what it could not. */
export class ConformanceReport {
  readonly recordings = readRecordings();
  readonly #passed = new Map<string, { recording: Recording; directions: Map<Direction, number> }>();
  readonly #excluded = new Map<string, string>();
  readonly #unsayable = new Map<string, Set<string>>();

  get inScope(): Recording[] {
    return this.recordings.filter((recording) => scopeOf(recording) !== undefined);
  }

  /** Recordings nobody has spoken for. */
  get forgotten(): string[] {
    return this.recordings
      .filter((recording) => scopeOf(recording) === undefined && reasonOutOfScope(recording) === undefined)
      .map(({ id }) => id);
  }

  /** Recordings in scope that were neither passed nor excluded. */
  get untouched(): string[] {
    return this.inScope.map(({ id }) => id).filter((id) => !this.#passed.has(id) && !this.#excluded.has(id));
  }

  get excludedCount(): number {
    return this.#excluded.size;
  }

  pass(recording: Recording, direction: Direction): void {
    const entry = this.#passed.get(recording.id) ?? { recording, directions: new Map<Direction, number>() };
    entry.directions.set(direction, (entry.directions.get(direction) ?? 0) + 1);
    this.#passed.set(recording.id, entry);
  }

  /** The whole file proves nothing here. */
  exclude(recording: Recording, reason: string): void {
    this.#excluded.set(recording.id, reason);
  }

  /** A piece of a request that OpenAI's shape has no word for, and so was left out of the comparison. */
  leaveOut(recording: Recording, piece: string): void {
    const files = this.#unsayable.get(piece) ?? new Set();
    this.#unsayable.set(piece, files.add(recording.id));
  }

  toString(): string {
    const entries = [...this.#passed.values()];
    const row = (name: string, chosen: typeof entries): string =>
      [
        name.padEnd(36),
        String(chosen.length).padStart(6),
        ...DIRECTIONS.map((direction) =>
          String(chosen.reduce((sum, { directions }) => sum + (directions.get(direction) ?? 0), 0)).padStart(
            9,
          ),
        ),
      ].join('');
    const rowsBy = (key: (recording: Recording) => string): string[] =>
      [...groupBy(entries, ({ recording }) => key(recording))]
        .sort(([one], [other]) => one.localeCompare(other))
        .map(([name, chosen]) => row(name, chosen));
    const outOfScope = groupBy(
      this.recordings.filter((recording) => scopeOf(recording) === undefined),
      (recording) => `${recording.provider} ${recording.api}: ${reasonOutOfScope(recording) ?? 'FORGOTTEN'}`,
    );
    return [
      `${'passed'.padEnd(36)} files${DIRECTIONS.map((direction) => direction.padStart(9)).join('')}`,
      ...rowsBy(({ provider, api }) => `${provider} ${api}`),
      '',
      ...rowsBy(({ case: name }) => name),
      '',
      row('all', entries),
      '',
      `excluded: ${this.#excluded.size} of ${this.inScope.length} in scope`,
      ...[...this.#excluded].map(([id, reason]) => `  ${id}: ${reason}`),
      '',
      'left out of request comparisons (OpenAI’s shape has no word for it)',
      ...[...this.#unsayable].map(([piece, files]) => `  ${piece}: ${files.size} file(s)`),
      '',
      'out of scope',
      ...[...outOfScope].map(([name, files]) => `  ${name} (${files.length})`),
    ].join('\n');
  }
}

/** `Map.groupBy` is younger than the oldest Node this package runs on. */
function groupBy<Item>(items: readonly Item[], key: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  return groups;
}
