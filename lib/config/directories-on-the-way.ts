import type { BigIntStats } from 'node:fs';
import { lstat, readlink, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, parse, resolve, sep } from 'node:path';

/** As many as Linux follows. */
const MAX_LINKS = 40;

/**
 * The directories whose entries decide what a path leads to, each with what tells it from another of the same name: the
 * file's own, and those of every symbolic link on the way (Kubernetes swaps one of them to change a ConfigMap). Where the
 * path breaks off, the last directory that is there.
 */
export async function directoriesOnTheWay(file: string): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  const note = async (directory: string): Promise<void> => {
    const identity = await stat(directory, { bigint: true }).catch(() => undefined);
    if (identity !== undefined) found.set(directory, `${identity.dev}:${identity.ino}`);
  };
  let rest = partsOf(resolve(file));
  let at = parse(resolve(file)).root;
  for (let links = 0; rest.length > 0;) {
    const [name = '', ...further] = rest;
    const here = join(at, name);
    const entry: BigIntStats | undefined = await lstat(here, { bigint: true }).catch(() => undefined);
    if (entry === undefined) {
      await note(at);
      break;
    }
    if (entry.isSymbolicLink()) {
      links += 1;
      await note(at);
      const target = await readlink(here).catch(() => undefined);
      if (target === undefined || links > MAX_LINKS) break;
      rest = [...partsOf(target), ...further];
      if (isAbsolute(target)) at = parse(target).root;
      continue;
    }
    at = here;
    rest = further;
    if (rest.length === 0) await note(dirname(here));
  }
  return found;
}

function partsOf(path: string): string[] {
  const { root } = parse(path);
  return path
    .slice(root.length)
    .split(sep)
    .filter((part) => part !== '' && part !== '.');
}
