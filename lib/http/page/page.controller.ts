import type { ServerResponse } from 'node:http';
import { Get, Param, Req, Res } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { InvalidApiKeyError } from '../../errors/invalid-api-key-error.js';
import { LlmProviderHealthIndicator, LlmSurfaceHealthIndicator } from '../../health/index.js';
import { errorAnswer } from '../../pipeline/index.js';
import { takeOver } from '../exchange.js';
import { writeError, writeJson } from '../responses.js';
import { RouterEngineLocator } from '../router-engine-locator.js';
import type { ChartLibrary } from './chart-library.js';
import { PAGE_CSS, PAGE_HTML, PAGE_SCRIPT } from './page-assets.js';
import { pageStateOf } from './page-state.js';

/** Its own files and routes, and nothing else from anywhere; in no frame of others. */
const HEADERS = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cache-control': 'no-store',
} as const;

/** A browser asks for a key by itself: any user name, the key as the password. */
const ASK_FOR_KEY = { 'www-authenticate': 'Basic realm="llm-router", charset="UTF-8"' };

interface Asset {
  readonly type: string;
  read(library: () => Promise<ChartLibrary>): string | Promise<string>;
}

const ASSETS: ReadonlyMap<string, Asset> = new Map<string, Asset>([
  ['page.css', { type: 'text/css', read: () => PAGE_CSS }],
  ['page.mjs', { type: 'text/javascript', read: () => PAGE_SCRIPT }],
  ['uplot.css', { type: 'text/css', read: async (library) => (await library()).css }],
  ['uplot.mjs', { type: 'text/javascript', read: async (library) => (await library()).script }],
]);

/** The operators' page. Behind a key with `admin: true` where keys are configured; else this machine alone sees it. */
export class PageController {
  #library: Promise<ChartLibrary> | undefined;

  constructor(
    private readonly locator: RouterEngineLocator,
    private readonly moduleRef: ModuleRef,
  ) {}

  @Get('router/ui')
  async page(@Req() request: unknown, @Res() reply: unknown): Promise<void> {
    await this.answer(request, reply, (response) => {
      write(response, 'text/html', PAGE_HTML);
    });
  }

  @Get('router/ui/state')
  async state(@Req() request: unknown, @Res() reply: unknown): Promise<void> {
    await this.answer(request, reply, (response) => {
      const providers = this.moduleRef.get(LlmProviderHealthIndicator, { strict: false });
      const surfaces = this.moduleRef.get(LlmSurfaceHealthIndicator, { strict: false });
      writeJson(response, 200, pageStateOf(this.locator.engine, providers, surfaces), HEADERS);
    });
  }

  @Get('router/ui/:asset')
  async asset(@Req() request: unknown, @Res() reply: unknown, @Param('asset') name: string): Promise<void> {
    await this.answer(request, reply, async (response) => {
      const asset = ASSETS.get(name);
      if (asset === undefined) {
        writeJson(response, 404, { error: { message: 'The page has no such file.' } });
        return;
      }
      // Only where it is looked at.
      const library = (): Promise<ChartLibrary> => (this.#library ??= this.readLibrary());
      write(response, asset.type, await asset.read(library));
    });
  }

  private async readLibrary(): Promise<ChartLibrary> {
    try {
      const { readChartLibrary } = await import('./chart-library.js');
      return await readChartLibrary();
    } catch (error) {
      // Whoever asks next may have more luck.
      this.#library = undefined;
      throw error;
    }
  }

  private async answer(
    platformRequest: unknown,
    reply: unknown,
    respond: (response: ServerResponse) => void | Promise<void>,
  ): Promise<void> {
    const { request, response } = takeOver(platformRequest, reply);
    try {
      this.locator.guard.identifyAdmin(request);
      // The page finds its files and routes beside its own address.
      const { pathname, search } = new URL(request.url ?? '/', 'http://page.invalid');
      if (pathname.endsWith('/')) {
        response.writeHead(308, { location: `../${pathname.split('/').at(-2) ?? ''}${search}` });
        response.end();
        return;
      }
      await respond(response);
    } catch (error) {
      if (error instanceof InvalidApiKeyError) {
        const { status, headers, body } = errorAnswer(error);
        writeJson(response, status, body, { ...headers, ...ASK_FOR_KEY });
      } else writeError(response, error);
    }
  }
}

function write(response: ServerResponse, type: string, text: string): void {
  response.writeHead(200, {
    ...HEADERS,
    'content-type': `${type}; charset=utf-8`,
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}
