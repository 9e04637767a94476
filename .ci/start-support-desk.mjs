// The support desk by its one command, as somebody would start it: it prints where it is, answers there, says in one line
// that its port is taken, and ends when it is told to.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';

const KEYS = new Set(['OPENAI_API_KEY', 'ANTHROPIC_API_KEY', 'GEMINI_API_KEY']);
const LONGEST_START_MS = 120_000;
const LONGEST_STOP_MS = 15_000;

function start(command, words, port) {
  const withoutKeys = Object.fromEntries(Object.entries(process.env).filter(([name]) => !KEYS.has(name)));
  const env = { ...withoutKeys, PORT: port, NO_COLOR: '1' };
  const child = spawn(command, words, { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const run = { child, output: '', errors: '' };
  run.ended = once(child, 'close').then(([code, signal]) => ({ code, signal }));
  child.stdout.on('data', (text) => (run.output += text));
  child.stderr.on('data', (text) => (run.errors += text));
  return run;
}

/** @throws when it ends, or says nothing, before the line is there. */
async function addressOf(run) {
  const signal = AbortSignal.timeout(LONGEST_START_MS);
  const found = () => /Support desk on (http:\S+)/.exec(run.output)?.[1];
  run.ended.then(() => run.child.stdout.emit('data', ''));
  while (found() === undefined) {
    assert.ok(run.child.exitCode === null, `it ended before it had started\n${run.output}${run.errors}`);
    await once(run.child.stdout, 'data', { signal });
  }
  return found();
}

/** As Ctrl+C does: npm, the command line and the application are one group. */
async function stop({ child, ended }) {
  const signalAll = (signal) => {
    try {
      process.kill(-child.pid, signal);
    } catch {
      // They have ended.
    }
  };
  signalAll('SIGINT');
  const tooLong = setTimeout(signalAll, LONGEST_STOP_MS, 'SIGKILL');
  await ended;
  clearTimeout(tooLong);
}

const desk = start('npm', ['run', 'start:support-desk'], '0');
try {
  const url = await addressOf(desk);
  for (const [path, type] of [
    ['/', 'text/html'],
    ['/page.js', 'text/javascript'],
    ['/page.css', 'text/css'],
  ]) {
    const response = await fetch(url + path);
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-type'), new RegExp(type));
  }
  const answer = await fetch(`${url}/chat`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ question: 'How do I descale the machine?' }),
  });
  assert.match(await answer.text(), /event: done\ndata: \{"model":/);

  const { port } = new URL(url);
  const second = start(process.execPath, ['sample/support-desk/dist/main.js'], port);
  assert.deepEqual(await second.ended, { code: 1, signal: null });
  assert.equal(second.errors, `support-desk: port ${port} is taken: set PORT to another one\n`);
  assert.equal(second.output, '');
  process.stdout.write(`started on ${url}, answered, and refused a taken port in one line\n`);
} finally {
  await stop(desk);
}
