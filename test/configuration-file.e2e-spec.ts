import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NestFactory } from '@nestjs/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  ConfigurationError,
  type ConfigurationFileWatchOptions,
  LlmRouterModule,
  type LlmRouterOptions,
  RouterService,
} from 'nestjs-llm-router';
import { LogCollector } from './support/log-collector.js';

const ASK = { messages: [{ role: 'user' as const, content: 'hello' }] };
const DONE = /^Reconfigured/;
const REFUSED = /^Not reconfigured/;

const closing: (() => Promise<unknown>)[] = [];
let folder = '';
const at = (...names: string[]): string => join(folder, ...names);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'llm-router-file-'));
});

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  rmSync(folder, { recursive: true });
});

/** Told apart by the limit. */
function content(messages: number, extra: LlmRouterOptions = {}): string {
  const options: LlmRouterOptions = {
    providers: { one: { api: 'openai', baseUrl: 'http://127.0.0.1:1/v1', apiKey: 'k' } },
    routingRules: { simple_queries: { primary: 'gpt-4o-mini' } },
    limits: { messages },
    ...extra,
  };
  return JSON.stringify(options);
}

interface Running {
  readonly logs: LogCollector;
  readonly router: RouterService;
  /** The limit in force. */
  messages(): number;
  count(pattern: RegExp): number;
  close(): Promise<void>;
}

async function start(
  file: string,
  watch: boolean | ConfigurationFileWatchOptions = { debounceMs: 20 },
): Promise<Running> {
  const logs = new LogCollector();
  const app = await NestFactory.createApplicationContext(LlmRouterModule.forFile(file, { watch }), {
    logger: logs,
    abortOnError: false,
  });
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (isOpen) await app.close();
    isOpen = false;
  };
  closing.push(close);
  const router = app.get(RouterService);
  return {
    logs,
    router,
    messages: () => {
      for (let limit = 1; ; limit += 1) {
        const messages = Array.from({ length: limit + 1 }, () => ASK.messages[0]!);
        try {
          router.explain({ messages });
        } catch {
          return limit;
        }
      }
    },
    count: (pattern) => logs.lines.filter((line) => pattern.test(line)).length,
    close,
  };
}

/** As editors and deployments do. */
function replace(file: string, text: string): void {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}

describe('forFile', () => {
  it('reads its options from the file, and leaves it alone without `watch`', async () => {
    writeFileSync(at('router.yaml'), content(1));
    const before = inotifyWatches();
    const { messages } = await start(at('router.yaml'), false);
    expect(messages()).toBe(1);
    expect(inotifyWatches()).toBe(before);
  });

  it('refuses the boot for a file that is missing or bad, by its name', async () => {
    await expect(start(at('absent.yaml'))).rejects.toThrow(/absent\.yaml: there is no such file/);
    writeFileSync(at('bad.yaml'), '{');
    await expect(start(at('bad.yaml'))).rejects.toThrow(ConfigurationError);
  });

  it.each([{ debounceMs: 0 }, { pollMs: 1.5 }, { pollMs: 2 ** 40 }, { debounce: 5 }])(
    'refuses to watch by %j',
    (watch: object) => {
      expect(() => LlmRouterModule.forFile('router.yaml', { watch })).toThrow(ConfigurationError);
    },
  );
});

describe('a watched file', () => {
  it('is followed through writes in place and through renames', async () => {
    const file = at('router.yaml');
    writeFileSync(file, content(1));
    const { logs, messages } = await start(file);
    writeFileSync(file, content(2));
    await logs.whenLines(DONE, 1);
    expect(messages()).toBe(2);
    replace(file, content(3));
    await logs.whenLines(DONE, 2);
    expect(messages()).toBe(3);
    // The watch has not stayed with the file that was replaced.
    replace(file, content(4));
    await logs.whenLines(DONE, 3);
    writeFileSync(file, content(5));
    await logs.whenLines(DONE, 4);
    expect(messages()).toBe(5);
  });

  it('is followed through the swap of a Kubernetes ConfigMap', async () => {
    const publish = (version: string, text: string): void => {
      mkdirSync(at(version));
      writeFileSync(at(version, 'router.yaml'), text);
      symlinkSync(version, at('..data_tmp'));
      renameSync(at('..data_tmp'), at('..data'));
    };
    publish('..2026_1', content(1));
    symlinkSync('..data/router.yaml', at('router.yaml'));
    const { logs, messages } = await start(at('router.yaml'));
    expect(messages()).toBe(1);
    for (const version of [2, 3, 4]) {
      publish(`..2026_${version}`, content(version));
      rmSync(at(`..2026_${version - 1}`), { recursive: true });
      await logs.whenLines(DONE, version - 1);
      expect(messages()).toBe(version);
    }
  });

  it('is followed where a directory on the way is a link that changes, or is made anew', async () => {
    for (const release of [1, 2]) {
      mkdirSync(at(`release-${release}`));
      writeFileSync(at(`release-${release}`, 'router.json'), content(release));
    }
    symlinkSync('release-1', at('current'));
    const { logs, messages } = await start(at('current', 'router.json'));
    symlinkSync('release-2', at('next'));
    renameSync(at('next'), at('current'));
    await logs.whenLines(DONE, 1);
    expect(messages()).toBe(2);

    rmSync(at('release-2'), { recursive: true });
    await logs.whenLines(REFUSED, 1);
    mkdirSync(at('release-2'));
    writeFileSync(at('release-2', 'router.json'), content(3));
    await logs.whenLines(DONE, 2);
    expect(messages()).toBe(3);
  });

  it('changes nothing while it is bad, tells of each content once, and is followed again when it is good', async () => {
    const file = at('router.yaml');
    writeFileSync(file, content(1));
    const { logs, messages, count } = await start(file);
    const half = content(2).slice(0, 40);
    replace(file, half);
    const [first] = await logs.whenLines(REFUSED, 1);
    expect(first).toContain('router.yaml: is neither JSON nor YAML');
    expect(first).toMatch(/policy [0-9a-f]{16} stays in force/);
    // The same again is no news; what follows it is.
    replace(file, half);
    replace(file, content(2, { baseline: 'gpt-4o-mimi' }));
    const [, second] = await logs.whenLines(REFUSED, 2);
    expect(second).toContain('baseline');
    unlinkSync(file);
    const [, , third] = await logs.whenLines(REFUSED, 3);
    expect(third).toContain('there is no such file');
    expect(messages()).toBe(1);
    replace(file, content(2));
    await logs.whenLines(DONE, 1);
    expect(messages()).toBe(2);
    expect(count(REFUSED)).toBe(3);
  });

  it('is no news with the content it had', async () => {
    const file = at('router.yaml');
    writeFileSync(file, content(1));
    const { logs, messages, count } = await start(file);
    replace(file, content(1));
    writeFileSync(at('other.yaml'), 'not ours');
    writeFileSync(file, content(1));
    replace(file, content(2));
    await logs.whenLines(DONE, 1);
    expect(messages()).toBe(2);
    expect(count(DONE)).toBe(1);
    expect(count(REFUSED)).toBe(0);
  });

  it('has its variables read anew', async () => {
    const file = at('router.yaml');
    const withKey = (messages: number): string =>
      content(messages, {
        providers: { one: { api: 'openai', baseUrl: '${FILE_TEST_URL}', apiKey: '${FILE_TEST_KEY}' } },
      });
    Object.assign(process.env, {
      FILE_TEST_URL: 'http://127.0.0.1:1/v1',
      FILE_TEST_KEY: 'sk-secret-of-file',
    });
    closing.push(() => {
      delete process.env.FILE_TEST_URL;
      delete process.env.FILE_TEST_KEY;
      return Promise.resolve();
    });
    writeFileSync(file, withKey(1));
    const { logs, messages } = await start(file);
    delete process.env.FILE_TEST_KEY;
    replace(file, withKey(2));
    const [line] = await logs.whenLines(REFUSED, 1);
    expect(line).toContain('FILE_TEST_KEY is not set');
    process.env.FILE_TEST_KEY = 'sk-another-of-file';
    replace(file, withKey(3));
    await logs.whenLines(DONE, 1);
    expect(messages()).toBe(3);
    expect(logs.lines.join('\n')).not.toContain('of-file');
  });

  it('is looked at from time to time where the system tells nothing', async () => {
    const file = at('router.yaml');
    writeFileSync(file, content(1));
    const before = inotifyWatches();
    const { logs, messages } = await start(file, { pollMs: 20 });
    expect(inotifyWatches()).toBe(before);
    replace(file, content(2));
    await logs.whenLines(DONE, 1);
    expect(messages()).toBe(2);
    replace(file, '{');
    await logs.whenLines(REFUSED, 1);
    replace(file, content(3));
    await logs.whenLines(DONE, 2);
    expect(messages()).toBe(3);
  });

  it('is let go at the shutdown: no handle is left, and nothing is followed any more', async () => {
    const file = at('router.yaml');
    writeFileSync(file, content(1));
    const before = inotifyWatches();
    const timers = process.getActiveResourcesInfo().length;
    const { logs, count, close } = await start(file);
    if (process.platform === 'linux') expect(inotifyWatches()).toBe(before + 1);
    for (let version = 2; version < 30; version += 1) {
      replace(file, content(version));
      await logs.whenLines(DONE, version - 1);
    }
    if (process.platform === 'linux') expect(inotifyWatches()).toBe(before + 1);
    replace(file, content(1));
    await close();
    expect(inotifyWatches()).toBe(before);
    expect(process.getActiveResourcesInfo().length).toBeLessThanOrEqual(timers);
    expect(count(DONE)).toBeLessThanOrEqual(29);
  });

  it('that was changed between the boot reading it and its end is read again', async () => {
    const file = at('router.yaml');
    writeFileSync(file, content(1));
    const logs = new LogCollector();
    const watched = LlmRouterModule.forFile(file, { watch: { debounceMs: 20 } });
    const late = {
      provide: 'late',
      inject: [RouterService],
      useFactory: (router: RouterService) => {
        replace(file, content(2));
        return router;
      },
    };
    const app = await NestFactory.createApplicationContext(
      { ...watched, providers: [...(watched.providers ?? []), late] },
      { logger: logs, abortOnError: false },
    );
    closing.push(() => app.close());
    expect(logs.lines.filter((line) => line.startsWith('Reconfigured'))).toHaveLength(1);
  });
});

/** What this process has the kernel watch; 0 where that cannot be seen. */
function inotifyWatches(): number {
  if (!existsSync('/proc/self/fdinfo')) return 0;
  return readdirSync('/proc/self/fdinfo')
    .map((descriptor) => {
      try {
        return readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8');
      } catch {
        return '';
      }
    })
    .flatMap((text) => text.match(/^inotify wd/gm) ?? []).length;
}
