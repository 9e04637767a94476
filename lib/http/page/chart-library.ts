import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

/** uPlot as its package has it: loaded from this module alone, and only where somebody looks at the page. */
export interface ChartLibrary {
  readonly script: string;
  readonly css: string;
}

export async function readChartLibrary(): Promise<ChartLibrary> {
  const { resolve } = createRequire(import.meta.url);
  const [script, css] = await Promise.all(
    ['uplot/dist/uPlot.esm.js', 'uplot/dist/uPlot.min.css'].map((file) => readFile(resolve(file), 'utf8')),
  );
  return { script: script ?? '', css: css ?? '' };
}
