// Installs the packed package into applications of its users, as npm would, and puts them to work:
//
//   npm run build && node test/package/run.mjs [application …]
//
// Everything happens in a temporary directory outside the repository.
import { spawn } from 'node:child_process';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const TEMPLATES = fileURLToPath(new URL('.', import.meta.url));
const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const STEP_TIMEOUT_MS = 240_000;
const ANSWER_TIMEOUT_MS = 20_000;

/** What the README tells the users of Jest to add to its configuration. */
const JEST_LINE = { transformIgnorePatterns: ['node_modules/(?!.*nestjs-llm-router/dist)'] };

/**
 * The applications: what their Terminus calls a router whose provider fails, a route of their own and its answer, and the
 * TypeScript configurations they are compiled under, one after the other.
 */
const APPLICATIONS = {
  'esm-nest12': {
    degraded: 'degraded',
    // An official client whose transport is the router, on a surface that `forFeature` brings.
    own: { path: '/draft', body: { answer: 'Paris.', model: 'gpt-4o-mini' } },
    configurations: ['tsconfig.json'],
    jest: false,
  },
  'commonjs-nest11': {
    // Terminus 11.1 has no `degraded`: it is `up`, with the fact in its detail.
    degraded: 'ok',
    // A service whose method has the surface, under a controller that has none.
    own: { path: '/digest', body: { answer: 'Paris.', surface: 'support' } },
    // What Nest 11 applications start with now, and what they started with at first: no `exports`, no `esModuleInterop`.
    configurations: ['tsconfig.json', 'tsconfig.module-commonjs.json'],
    jest: true,
  },
};

/** Runs a command to its end. Its output is shown where it fails. */
async function run(directory, command, ...args) {
  const startedAt = performance.now();
  const child = spawn(command, args, {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: AbortSignal.timeout(STEP_TIMEOUT_MS),
  });
  let output = '';
  child.stdout.on('data', (data) => (output += data));
  child.stderr.on('data', (data) => (output += data));
  const [code] = await once(child, 'close');
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  process.stdout.write(`  ${[command, ...args].join(' ')} (${seconds} s)\n`);
  if (code !== 0)
    throw new Error(`${command} ${args.join(' ')} ended with ${code} in ${directory}\n${output}`);
}

/** An application that runs, spoken to by lines. */
function start(directory) {
  const child = spawn(process.execPath, ['dist/main.js'], {
    cwd: directory,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let log = '';
  const waiting = new Set();
  const onLine = (line) => {
    log += `${line}\n`;
    for (const look of waiting) look(line);
  };
  createInterface({ input: child.stdout }).on('line', onLine);
  createInterface({ input: child.stderr }).on('line', onLine);
  const closed = once(child, 'close').then(([code]) => code);

  /** The first line from now on that matches. */
  const line = (pattern) =>
    new Promise((resolve, reject) => {
      const fail = (why) => {
        reject(new Error(`${why} before a line like ${pattern}:\n${log}`));
      };
      const timer = setTimeout(fail, ANSWER_TIMEOUT_MS, `waited ${ANSWER_TIMEOUT_MS} ms`);
      const look = (text) => {
        const match = pattern.exec(text);
        if (match === null) return;
        clearTimeout(timer);
        waiting.delete(look);
        resolve(match);
      };
      waiting.add(look);
      void closed.then((code) => {
        clearTimeout(timer);
        fail(`ended with ${code}`);
      });
    });

  return {
    line,
    say: (word) => child.stdin.write(`${word}\n`),
    /** Its exit code; what does not end in time is killed, and fails. */
    async end() {
      const timer = setTimeout(() => child.kill('SIGKILL'), ANSWER_TIMEOUT_MS);
      const code = await closed;
      clearTimeout(timer);
      return code;
    },
    kill: () => child.kill('SIGKILL'),
    log: () => log,
  };
}

async function getJson(url, init) {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

async function work(directory, { degraded, own }) {
  const application = start(directory);
  try {
    const [, url] = await application.line(/^listening on (http:\S+)$/);

    const complete = () =>
      getJson(`${url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'Capital of France?' }] }),
      });

    const chat = await complete();
    assert.equal(chat.status, 200);
    assert.equal(chat.body.choices[0].message.content, 'Paris.');
    assert.equal(chat.headers.get('x-llm-model'), 'gpt-4o-mini');

    const asked = await getJson(`${url}/ask`);
    assert.deepEqual(asked.body, { answer: 'Paris.', model: 'gpt-4o-mini', surface: 'support' });

    assert.deepEqual((await getJson(`${url}${own.path}`)).body, own.body);

    const health = await getJson(`${url}/health`);
    assert.equal(health.status, 200);
    assert.equal(health.body.status, 'ok');
    assert.equal(health.body.details.upstream.status, 'up');
    assert.equal(health.body.details.upstream.recentCalls, 3);
    process.stdout.write(`  /health ${JSON.stringify(health.body.details)}\n`);

    // A provider that fails takes no pod away, on either Terminus.
    const failing = application.line(/^failing$/);
    application.say('fail');
    await failing;
    for (let count = 0; count < 4; count++) assert.equal((await complete()).status, 502);
    const troubled = await getJson(`${url}/health`);
    process.stdout.write(`  /health ${JSON.stringify(troubled.body.details)}\n`);
    assert.equal(troubled.status, 200);
    assert.equal(troubled.body.status, degraded);
    const { upstream } = troubled.body.details;
    if (degraded === 'ok') assert.equal(upstream.degraded, true);
    else assert.equal(upstream.status, 'degraded');

    const closed = application.line(/^closed$/);
    application.say('stop');
    await closed;
    assert.equal(await application.end(), 0);
  } catch (error) {
    process.stderr.write(application.log());
    throw error;
  } finally {
    application.kill();
  }
}

async function withJestLine(directory) {
  const path = join(directory, 'package.json');
  const manifest = JSON.parse(await readFile(path, 'utf8'));
  Object.assign(manifest.jest, JEST_LINE);
  await writeFile(path, JSON.stringify(manifest, null, 2));
}

async function check(name, root) {
  const { configurations, jest } = APPLICATIONS[name];
  const directory = join(root, name);
  await cp(join(TEMPLATES, name), directory, { recursive: true });
  process.stdout.write(`${name}\n`);
  await run(directory, 'npm', 'install', '--no-audit', '--no-fund', '--loglevel=error');
  if (jest) await withJestLine(directory);
  for (const configuration of configurations) {
    process.stdout.write(`${name} under ${configuration}\n`);
    await cp(join(TEMPLATES, name, configuration), join(directory, 'tsconfig.json'));
    await rm(join(directory, 'dist'), { recursive: true, force: true });
    await run(directory, 'npm', 'run', 'build');
    await work(directory, APPLICATIONS[name]);
    if (jest) await run(directory, 'npm', 'test', '--', '--ci');
  }
}

const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(APPLICATIONS);
for (const name of names) assert.ok(Object.hasOwn(APPLICATIONS, name), `no application ${name}`);
assert.ok(existsSync(join(REPOSITORY, 'dist/index.js')), 'there is no dist: npm run build comes first');

const root = await mkdtemp(join(tmpdir(), 'nestjs-llm-router-'));
try {
  await run(REPOSITORY, 'npm', 'pack', '--loglevel=error', '--pack-destination', root);
  const [tarball] = await readdir(root);
  await rename(join(root, tarball), join(root, 'nestjs-llm-router.tgz'));
  for (const name of names) await check(name, root);
  await rm(root, { recursive: true, force: true });
} catch (error) {
  process.stderr.write(`${error.stack}\nkept for a look: ${root}\n`);
  process.exitCode = 1;
}
