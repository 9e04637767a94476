import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Sandbox } from 'nestjs-llm-router/testing';
import { guide } from '../sample/support-desk/guide.js';
import { startSupportDesk, type SupportDesk } from '../sample/support-desk/start.js';
import { findChromium, type RunningChromium, startChromium } from './support/chromium.js';

const VENDORS = ['OPENAI', 'ANTHROPIC', 'GEMINI'] as const;
/** Quick, and still slow enough for a stream to arrive in pieces. */
const LATENCY_SCALE = 0.15;

interface Health {
  readonly status: string;
  readonly details: Record<string, { readonly status: string }>;
}

let desk: SupportDesk;
let sandbox: Sandbox;

async function healthOf(): Promise<Health & { readonly httpStatus: number }> {
  const response = await fetch(`${desk.url}/health`);
  return { httpStatus: response.status, ...((await response.json()) as Health) };
}

beforeEach(async () => {
  // Without keys it takes the sandbox, which it writes into the environment: put back afterwards.
  for (const vendor of VENDORS) {
    vi.stubEnv(`${vendor}_API_KEY`, '');
    vi.stubEnv(`${vendor}_BASE_URL`, '');
  }
  desk = await startSupportDesk({ port: 0, latencyScale: LATENCY_SCALE, logLevels: [] });
  if (desk.sandbox === undefined) throw new Error('the sandbox was not started');
  ({ sandbox } = desk);
});

afterEach(async () => {
  await desk.close();
  vi.unstubAllEnvs();
});

describe('the support desk sample', () => {
  it('prints lines that work when pasted, in their order', async () => {
    const answers: string[] = [];
    for (const line of guide(desk.url, true).split('\n')) {
      if (!line.startsWith('curl')) continue;
      const url = /http:\S+/.exec(line)?.[0] ?? '';
      const body = / -d '(.*)'$/.exec(line)?.[1];
      const response = await fetch(url, {
        method: line.includes('-X POST') ? 'POST' : 'GET',
        headers: body === undefined ? {} : { 'content-type': 'application/json' },
        body,
      });
      expect(response.ok).toBe(true);
      answers.push(await response.text());
    }
    const [chat, draft, down, fallback, degraded, up, healed, health] = answers;
    expect(answers).toHaveLength(8);
    expect(JSON.parse(down ?? '')).toEqual({ provider: 'openai', is: 'down' });
    expect(JSON.parse(up ?? '')).toEqual({ provider: 'openai', is: 'up' });
    expect(chat).toContain('event: done\ndata: {"model":"gpt-4.1-mini"');
    expect(draft).toContain('"model":"gpt-4.1-nano"');
    expect(fallback).toContain('event: done\ndata: {"model":"claude-haiku-4-5"');
    expect(JSON.parse(degraded ?? '')).toMatchObject({ status: 'degraded' });
    expect(healed).toContain('event: done\ndata: {"model":"gpt-4.1-mini"');
    expect(JSON.parse(health ?? '')).toMatchObject({ status: 'ok' });
  });

  it('has the routes it has written, and none of the router', async () => {
    for (const path of ['/v1/models', '/metrics', '/router/kpis', '/router/explain', '/health/ready']) {
      expect((await fetch(`${desk.url}${path}`)).status).toBe(404);
    }
  });

  it('takes no form that another page could post', async () => {
    const response = await fetch(`${desk.url}/chat`, {
      method: 'POST',
      body: new URLSearchParams({ question: 'Hello?' }),
    });
    expect(response.status).toBe(400);
    expect(sandbox.upstreams.openai.requestCount).toBe(0);
  });

  it('says before its boot that a port is taken', async () => {
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = holder.address() as AddressInfo;
      await expect(startSupportDesk({ port, logLevels: [] })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    } finally {
      await new Promise((resolve) => holder.close(resolve));
    }
  });
});

const chromium = findChromium();
const where = chromium === undefined ? ' (skipped: no Chromium on the PATH or in CHROMIUM_PATH)' : '';

describe.skipIf(chromium === undefined)(`its page in headless Chromium${where}`, () => {
  let running: RunningChromium;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    running = await startChromium(chromium ?? '');
  });

  afterAll(() => running.close());

  beforeEach(async () => {
    page = await running.browser.newPage();
    complaints = [];
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => {
      if (message.type() !== 'log') complaints.push(message.text());
    });
    await page.goto(desk.url);
    await healthLine('up');
  });

  afterEach(() => page.close());

  /** What the page's expression says; the compiler here knows no DOM. */
  const read = async <Value>(expression: string): Promise<Value> => await page.evaluate(expression);
  // Looked at from outside: within the page, its content security policy forbids to evaluate text.
  const until = async (expression: string): Promise<void> => {
    await expect
      .poll(() => page.evaluate(`Boolean(${expression})`), { timeout: 20_000, interval: 50 })
      .toBe(true);
  };
  const healthLine = (status: string): Promise<void> =>
    until(`document.querySelector('#health').dataset.status === '${status}'`);

  async function ask(question: string): Promise<void> {
    await page.fill('#question', question);
    await page.keyboard.press('Enter');
  }

  interface Answer {
    readonly text: string;
    readonly by: string;
    readonly state: string;
    readonly provider: string;
  }

  /** The newest answer, when it has ended. */
  async function answered(count: number): Promise<Answer> {
    await until(`
      document.querySelectorAll('.answer').length === ${count} &&
      [...document.querySelectorAll('.answer')].every(({ dataset }) => dataset.state !== 'streaming')`);
    return read(`(() => {
      const article = [...document.querySelectorAll('.answer')].at(-1);
      return {
        text: article.querySelector('.text').textContent,
        by: article.querySelector('.by').textContent,
        state: article.dataset.state,
        provider: article.dataset.provider,
      };
    })()`);
  }

  it('shows an answer as it is written, and the next one from the fallback when its provider is killed', async () => {
    await read(`(() => {
      window.lengths = [];
      new MutationObserver(() => {
        const article = document.querySelector('.answer');
        const { length } = article?.querySelector('.text').textContent ?? '';
        if (article?.dataset.state === 'streaming' && length > (window.lengths.at(-1) ?? 0)) window.lengths.push(length);
      }).observe(document.querySelector('#conversation'), { childList: true, subtree: true });
    })()`);
    await ask('How do I descale the machine?');
    const first = await answered(1);
    expect(first).toMatchObject({ state: 'complete', provider: 'openai', by: 'Answered by gpt-4.1-mini' });
    expect(first.text).toContain('simulated');
    const lengths = await read<number[]>('window.lengths');
    expect(lengths.filter((length) => length < first.text.length).length).toBeGreaterThan(2);
    expect(await healthOf()).toMatchObject({ httpStatus: 200, status: 'ok' });

    sandbox.upstreams.openai.failAlways({ kind: 'refused' });
    await ask('And how often do I rinse it?');
    const second = await answered(2);
    expect(second).toMatchObject({
      state: 'complete',
      provider: 'anthropic',
      by: 'Answered by claude-haiku-4-5',
    });
    expect(second.text).toContain('simulated');
    expect(await read('document.body.innerText')).not.toMatch(/try again|broke off|error|undefined/i);
    await healthLine('degraded');
    expect(await read('document.querySelector("#health").textContent')).toMatch(
      /^Degraded: openai, support\b/,
    );
    expect(await healthOf()).toMatchObject({
      httpStatus: 200,
      status: 'degraded',
      details: {
        openai: { status: 'degraded' },
        anthropic: { status: 'up' },
        'surface.support': { status: 'degraded' },
      },
    });

    await sandbox.upstreams.openai.heal();
    await ask('Thank you!');
    expect(await answered(3)).toMatchObject({ state: 'complete', provider: 'openai' });
    await healthLine('up');
    expect(await healthOf()).toMatchObject({ httpStatus: 200, status: 'ok' });
    // The conversation went along, each turn once.
    expect(sandbox.upstreams.openai.requests.at(-1)?.body.messages).toHaveLength(6);
    expect(complaints).toEqual([]);
  });

  it('ends the call of the model when it is left in the middle of an answer', async () => {
    const { openai } = sandbox.upstreams;
    openai.setLatency({ timeToFirstTokenMs: 1, tokensPerSecond: 5 });
    await ask('How do I descale the machine?');
    await until(`document.querySelector('.answer .text')?.textContent !== ''`);
    await page.goto('about:blank');
    await openai.whenAborted(1);
    await openai.whenIdle();
    expect(openai.requestCount).toBe(1);
    expect(sandbox.upstreams.anthropic.requestCount).toBe(0);
    expect(await healthOf()).toMatchObject({ status: 'ok' });
  });

  it('says so when an answer breaks off, or when nobody can answer', async () => {
    for (const upstream of Object.values(sandbox.upstreams))
      upstream.failAlways({ kind: 'cut', afterChunks: 3 });
    await ask('How do I descale the machine?');
    expect(await answered(1)).toMatchObject({
      state: 'failed',
      by: 'The answer broke off. Please ask again.',
    });
    for (const upstream of Object.values(sandbox.upstreams)) upstream.failAlways({ kind: 'refused' });
    await ask('How do I descale the machine?');
    expect(await answered(2)).toMatchObject({
      text: '',
      state: 'failed',
      by: 'Nobody can answer just now. Please try again in a moment.',
    });
    await healthLine('degraded');
  });

  it('shows what a model writes as text and nothing else', async () => {
    const html = '<img src=x onerror="document.title=1"><script>document.title=2</script> **bold**';
    sandbox.upstreams.openai.setReply(() => ({ text: html }));
    await ask('How do I descale the machine?');
    expect((await answered(1)).text).toBe(html);
    expect(await read('document.querySelectorAll("main img, main script").length')).toBe(0);
    expect(await read('document.title')).toBe('Support desk');
    expect(complaints).toEqual([]);
  });

  it('drafts an e-mail by a cheaper model', async () => {
    await page.fill('#notes', 'parcel delayed by two days');
    await page.selectOption('#tone', 'formal');
    await page.click('#draft button');
    await until(`document.querySelector('#letter').dataset.state === 'complete'`);
    expect(await read('document.querySelector("#letter .text").textContent')).toContain('simulated');
    expect(await read('document.querySelector("#letter .by").textContent')).toBe('Drafted by gpt-4.1-nano');
    expect(complaints).toEqual([]);
  });

  it('lets no script run but its own', async () => {
    await read(`(() => {
      const script = document.createElement('script');
      script.textContent = 'document.title = "taken over"';
      document.head.append(script);
    })()`);
    expect(await read('document.title')).toBe('Support desk');
    expect(complaints.join('\n')).toMatch(/Content Security Policy/);
  });
});
