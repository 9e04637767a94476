import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createSandbox, type Sandbox } from 'nestjs-llm-router/testing';
import { findChromium, type RunningChromium, startChromium } from './support/chromium.js';
import { createRouterApp, PLATFORMS, type Platform, type RouterApp } from './support/router-app.js';

const ADMIN_KEY = 'page-admin-key-1';
const CLIENT_KEY = 'page-client-key-1';
const PROMPT_CANARY = 'canary-of-the-page';
const KEYS = {
  http: {
    apiKeys: [
      { key: ADMIN_KEY, admin: true },
      { key: CLIENT_KEY, tenant: 'acme' },
    ],
  },
};
const basic = (password: string): string => `Basic ${Buffer.from(`operator:${password}`).toString('base64')}`;

async function openSandbox(
  platform: Platform,
  keys: object = KEYS,
  path?: string,
): Promise<{ app: RouterApp; sandbox: Sandbox }> {
  const sandbox = await createSandbox({ latencyScale: 0.02 });
  const app = await createRouterApp({
    platform,
    options: { ...sandbox.config, ...keys },
    http: { ui: true, ...(path === undefined ? {} : { path }) },
    forceCloseConnections: true,
  });
  return { app, sandbox };
}

function ask({ app }: { app: RouterApp }, content: string, extra: object = {}): Promise<Response> {
  return app.postJson(
    '/v1/chat/completions',
    { model: 'auto', messages: [{ role: 'user', content }], ...extra },
    { authorization: `Bearer ${ADMIN_KEY}` },
  );
}

describe.each(PLATFORMS)("the operators' page over HTTP, on %s", (platform) => {
  let opened: { app: RouterApp; sandbox: Sandbox };

  beforeAll(async () => {
    opened = await openSandbox(platform);
  });

  afterAll(async () => {
    await opened.app.close();
    await opened.sandbox.close();
  });

  const get = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
    opened.app.fetch(path, { headers, redirect: 'manual' });

  it.each(['/router/ui', '/router/ui/state', '/router/ui/page.mjs'])(
    'wants a key for %s, and asks a browser for one',
    async (path) => {
      const refused = await get(path);
      expect(refused.status).toBe(401);
      expect(refused.headers.get('www-authenticate')).toBe('Basic realm="llm-router", charset="UTF-8"');
      expect((await get(path, { authorization: basic('wrong') })).status).toBe(401);
      expect((await get(path, { authorization: basic(CLIENT_KEY) })).status).toBe(403);
      expect((await get(path, { authorization: basic(ADMIN_KEY) })).status).toBe(200);
      expect((await get(path, { authorization: `Bearer ${ADMIN_KEY}` })).status).toBe(200);
    },
  );

  it('takes the key of a browser for nothing that another page has made it ask for', async () => {
    const authorization = basic(ADMIN_KEY);
    expect((await get('/router/kpis', { authorization, 'sec-fetch-site': 'cross-site' })).status).toBe(401);
    expect((await get('/router/kpis', { authorization, 'sec-fetch-site': 'same-origin' })).status).toBe(200);
    // Nor for what costs money.
    expect((await get('/v1/models', { authorization })).status).toBe(401);
    expect((await get('/v1/models?x=/router/kpis', { authorization })).status).toBe(401);
    const body = JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'Hello' }] });
    const explain = (type: string): Promise<Response> =>
      opened.app.fetch('/router/explain', {
        method: 'POST',
        headers: { authorization, 'content-type': type },
        body,
      });
    expect((await explain('text/plain')).status).toBe(401);
    expect((await explain('application/json')).status).toBe(200);
  });

  it('has no file but its own, each of its type, under a strict policy', async () => {
    const authorization = basic(ADMIN_KEY);
    const page = await get('/router/ui', { authorization });
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(page.headers.get('cache-control')).toBe('no-store');
    const html = await page.text();
    const files = [...html.matchAll(/(?:href|src)="(ui\/[^"]+)"/g)].map(([, file]) => file ?? '');
    expect(files).toHaveLength(3);
    for (const file of [...files, 'ui/uplot.mjs']) {
      const answer = await get(`/router/${file}`, { authorization });
      expect(answer.status, file).toBe(200);
      expect(answer.headers.get('content-type'), file).toMatch(/^text\/(?:css|javascript); charset=utf-8$/);
      expect((await answer.text()).length, file).toBeGreaterThan(500);
    }
    expect((await get('/router/ui/package.json', { authorization })).status).toBe(404);
    expect((await get('/router/ui/..%2F..%2Fpackage.json', { authorization })).status).toBe(404);
  });
});

describe("the operators' page", () => {
  it('is there by option alone, and wants the routes it reads', async () => {
    const sandbox = await createSandbox({ latencyScale: 0.02 });
    try {
      const app = await createRouterApp({ platform: 'express', options: sandbox.config });
      expect((await app.fetch('/router/ui')).status).toBe(404);
      await app.close();
      await expect(
        createRouterApp({ platform: 'express', options: sandbox.config, http: { ui: true, admin: false } }),
      ).rejects.toThrow('`ui` needs `admin`');
    } finally {
      await sandbox.close();
    }
  });
});

const chromium = findChromium();
const inChromium = chromium === undefined ? describe.skip : describe;

inChromium(
  `the operators' page in Chromium${chromium === undefined ? ' (skipped: it is not installed)' : ''}`,
  () => {
    let running: RunningChromium;
    let page: Page | undefined;
    let opened: { app: RouterApp; sandbox: Sandbox } | undefined;
    let complaints: string[];
    let hosts: Set<string>;

    beforeAll(async () => {
      running = await startChromium(chromium ?? '');
    });

    afterAll(() => running.close());

    afterEach(async () => {
      await page?.context().close();
      await opened?.app.close();
      await opened?.sandbox.close();
      [page, opened] = [undefined, undefined];
    });

    async function visit(
      of: { app: RouterApp; sandbox: Sandbox },
      { path = '/router/ui', colorScheme = 'light' }: { path?: string; colorScheme?: 'light' | 'dark' } = {},
    ): Promise<Page> {
      opened = of;
      const context = await running.browser.newContext({
        httpCredentials: { username: 'operator', password: ADMIN_KEY },
        colorScheme,
      });
      const opening = await context.newPage();
      page = opening;
      complaints = [];
      hosts = new Set();
      opening.on('pageerror', (error) => complaints.push(String(error)));
      opening.on('console', (message) => complaints.push(message.text()));
      opening.on('request', (request) => hosts.add(new URL(request.url()).host));
      await opening.goto(`${of.app.url}${path}`);
      await expect.poll(() => opening.textContent('#updated'), { timeout: 10_000 }).toMatch(/^as of /);
      return opening;
    }

    /** What is wrong with the page, as a browser sees it. The browser asks for a key once, which it says. */
    const complaintsOf = (): string[] => complaints.filter((text) => !text.includes('401'));

    /** What an expression says in the page; the compiler here knows no DOM. */
    const look = async <Value>(shown: Page, expression: string): Promise<Value> =>
      shown.evaluate<Value>(expression);

    const cells = (shown: Page, table: string): Promise<string[][]> =>
      look(
        shown,
        `[...document.querySelectorAll('#${table} tbody tr')].map((row) => [...row.children].map((cell) => cell.textContent.trim()))`,
      );
    const styleOf = (shown: Page, selector: string, property: string): Promise<string> =>
      look(shown, `getComputedStyle(document.querySelector('${selector}')).${property}`);
    const focused = (shown: Page): Promise<string> => look(shown, "document.activeElement?.id ?? ''");
    const stateOf = (shown: Page, provider: string): Promise<string | null> =>
      shown.getAttribute(`#providers tr[data-name="${provider}"]:not(.part)`, 'data-state');

    it('shows the numbers of what was served, and nothing of what was said', async () => {
      const of = await openSandbox('express');
      for (let count = 0; count < 12; count += 1) {
        expect((await ask(of, `${PROMPT_CANARY} What is the capital of France?`)).status).toBe(200);
      }
      await (await ask(of, `${PROMPT_CANARY} Hello`, { stream: true })).text();
      const shown = await visit(of);
      await expect.poll(() => shown.textContent('#figures'), { timeout: 10_000 }).toMatch(/Requests13/);
      const kpis = (await (
        await of.app.fetch('/router/kpis?window=1h&by=model', {
          headers: { authorization: `Bearer ${ADMIN_KEY}` },
        })
      ).json()) as { rows: { model: string; requests: number }[] };
      const models = await cells(shown, 'models');
      expect(models.map(([model, requests]) => [model, Number(requests)])).toEqual(
        kpis.rows.map(({ model, requests }) => [model, requests]),
      );
      expect(await look(shown, "document.querySelectorAll('.chart canvas').length")).toBe(2);
      expect(await stateOf(shown, 'openai')).toBe('up');
      expect(await shown.textContent('#cost-summary')).toMatch(/would have cost \$/);
      const decisions = await cells(shown, 'decisions');
      expect(decisions).toHaveLength(13);
      expect(await shown.content()).not.toContain(PROMPT_CANARY);

      // Why one went where it did; by the keyboard.
      await shown.focus('#decisions tbody tr:first-child button');
      await shown.keyboard.press('Enter');
      await expect.poll(() => shown.textContent('#decision-text'), { timeout: 5_000 }).toMatch(/call 1: /);
      expect(await shown.textContent('#decision-text')).toMatch(/simple_queries/);
      expect(await focused(shown)).toBe('decision');

      await shown.fill(
        '#prompt',
        'Prove that there are infinitely many primes, and analyse why the proof works.',
      );
      await shown.focus('#explain button');
      await shown.keyboard.press('Enter');
      await expect.poll(() => shown.textContent('#explanation'), { timeout: 5_000 }).toMatch(/score/);
      expect(complaintsOf()).toEqual([]);
      expect([...hosts]).toEqual([new URL(of.app.url).host]);
    });

    it('turns a provider that has an outage red within 5 s, and says so in words', async () => {
      const of = await openSandbox('fastify');
      const served = await ask(of, 'What is the capital of France?');
      const provider = served.headers.get('x-llm-provider') as 'openai' | 'anthropic' | 'gemini' | 'local';
      const shown = await visit(of);
      expect(await stateOf(shown, provider)).toBe('up');
      const load = setInterval(
        () => void ask(of, 'What is the capital of France?').catch(() => undefined),
        100,
      );
      try {
        of.sandbox.upstreams[provider].failAlways({ kind: 'status', status: 500 });
        const from = Date.now();
        await expect.poll(() => stateOf(shown, provider), { timeout: 10_000, interval: 50 }).toBe('out');
        const tookMs = Date.now() - from;
        expect(tookMs).toBeLessThan(5_000);
        const row = `#providers tr[data-name="${provider}"]:not(.part)`;
        expect(await shown.textContent(`${row} .state`)).toBe('out');
        const color = await styleOf(shown, `${row} .state`, 'color');
        expect(color).toBe('rgb(207, 34, 46)');
      } finally {
        clearInterval(load);
      }
      expect(complaintsOf()).toEqual([]);
      expect([...hosts]).toEqual([new URL(of.app.url).host]);
    });

    it('works below a path of the application, without keys, and in the dark', async () => {
      const of = await openSandbox('express', {}, 'internal/llm');
      const shown = await visit(of, { path: '/internal/llm/router/ui/', colorScheme: 'dark' });
      expect(new URL(shown.url()).pathname).toBe('/internal/llm/router/ui');
      const background = await styleOf(shown, 'body', 'backgroundColor');
      expect(background).toBe('rgb(13, 17, 23)');
      expect(complaints).toEqual([]);
    });

    it('can be read and used without a mouse', async () => {
      const of = await openSandbox('express');
      await ask(of, 'Hello');
      const shown = await visit(of);
      await expect.poll(() => cells(shown, 'decisions'), { timeout: 10_000 }).toHaveLength(1);
      await shown.keyboard.press('Tab');
      expect(await look(shown, 'document.activeElement.textContent')).toBe('To the content');
      const reached = new Set<string>();
      for (let count = 0; count < 30; count += 1) {
        await shown.keyboard.press('Tab');
        reached.add(await focused(shown));
      }
      for (const id of ['pause', 'window', 'prompt', 'surface', 'streamed'])
        expect([...reached]).toContain(id);
      expect([...reached].filter((id) => id.startsWith('why-'))).toHaveLength(1);
      const unnamed = await look<string[]>(
        shown,
        `[...document.querySelectorAll('button, select, textarea, input, [role=region], th')]
        .filter((one) => !one.hasAttribute('aria-label') && !one.hasAttribute('aria-labelledby'))
        .filter((one) => !(one.labels?.length > 0) && one.textContent.trim() === '')
        .map((one) => one.outerHTML)`,
      );
      expect(unnamed).toEqual([]);
      await shown.focus('#pause');
      await shown.keyboard.press('Space');
      expect(await shown.getAttribute('#pause', 'aria-pressed')).toBe('true');
      expect(complaintsOf()).toEqual([]);
    });

    it('says what is wrong where the router does not answer', async () => {
      const of = await openSandbox('express');
      const shown = await visit(of);
      await of.app.close();
      await expect
        .poll(() => shown.textContent('#problem'), { timeout: 10_000 })
        .toMatch(/^Not up to date: /);
    });
  },
);
