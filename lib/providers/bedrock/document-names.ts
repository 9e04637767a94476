const MAX_LENGTH = 200;

/**
 * Names the documents of one request as Bedrock demands it (API reference, DocumentBlock): letters, digits, single
 * white space, hyphens, round and square brackets, at most 200 of them. Two documents of one name are refused, so the
 * second is numbered.
 */
export class DocumentNames {
  readonly #taken = new Set<string>();

  /** @param filename The client's name for the file, perhaps empty. Its extension is not part of the name. */
  name(filename: string): string {
    const base =
      filename
        .slice(0, 4 * MAX_LENGTH)
        .replace(/\.[A-Za-z0-9]{1,8}$/, '')
        .replaceAll(/[^A-Za-z0-9()[\]-]+/g, ' ')
        .trim()
        .slice(0, MAX_LENGTH)
        .trim() || 'document';
    let name = base;
    for (let count = 2; this.#taken.has(name); count += 1) {
      const suffix = ` (${count})`;
      name = base.slice(0, MAX_LENGTH - suffix.length).trimEnd() + suffix;
    }
    this.#taken.add(name);
    return name;
  }
}
