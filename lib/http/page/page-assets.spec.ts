import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PAGE_CSS, PAGE_HTML, PAGE_SCRIPT } from './page-assets.js';

const read = (file: string): string => readFileSync(new URL(`assets/${file}`, import.meta.url), 'utf8');

describe('the embedded page', () => {
  it('is what its files say: run tools/embed-page.mjs after each change of them', () => {
    expect(PAGE_HTML).toBe(read('page.html'));
    expect(PAGE_CSS).toBe(read('page.css'));
    expect(PAGE_SCRIPT).toBe(read('page.mjs'));
  });

  it('names no other host, runs no script in the markup and sets no markup from text', () => {
    expect([PAGE_HTML, PAGE_CSS, PAGE_SCRIPT].join('\n')).not.toMatch(/https?:\/\//);
    expect(PAGE_HTML).not.toMatch(/<script>|\son\w+=|style=/);
    expect(PAGE_SCRIPT).not.toMatch(/innerHTML\s*=|insertAdjacentHTML|document\.write|eval\(/);
  });

  it('labels each of its fields, tables and regions', () => {
    const ids = new Set([...PAGE_HTML.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id));
    const references = [...PAGE_HTML.matchAll(/\s(?:for|aria-labelledby)="([^"]+)"/g)].map(([, id]) => id);
    expect(references.length).toBeGreaterThan(10);
    expect(references.filter((id) => !ids.has(id))).toEqual([]);
    const fields = [...PAGE_HTML.matchAll(/<(?:textarea|select)\s[^>]*id="([^"]+)"/g)].map(([, id]) => id);
    expect(fields.filter((id) => !PAGE_HTML.includes(`for="${id ?? ''}"`))).toEqual([]);
  });
});
