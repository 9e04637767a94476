/**
 * Holds the catalogue's facts against their sources and prints the difference; `--write` brings the catalogue's files up
 * to date. `npm run catalog:update -- --help` says how.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import ts from 'typescript';
import {
  readCatalogModels,
  readCatalogSources,
  readCitedRatings,
  readSnapshotNames,
  writeCatalogSource,
  writeModels,
  writeRatings,
} from './catalog/catalog-files.mjs';
import { compareModels, compareRatings } from './catalog/compare.mjs';
import { printReport } from './catalog/print-report.mjs';
import { readJson, readModels, readRatings } from './catalog/read-sources.mjs';

const ROOT = join(import.meta.dirname, '..');
const USAGE = `npm run catalog:update -- [options]
  --models PLACE    models.dev's api.json: a path, or https://models.dev/api.json
  --ratings PLACE   arena-catalog's leaderboard: a path, or
                    https://raw.githubusercontent.com/lmarena/arena-catalog/main/data/leaderboard-text.json
                    Without either: ../shared/model-facts, where that is.
  --write           brings lib/catalog up to date; odd prices and meant differences are left to a person
  --all             names the makers' older models too that the catalogue does not have
  --json            prints the difference as JSON
  --catalog PATH    the catalogue's folder (lib/catalog)
  --differences PATH  what is meant to differ, and by 'provider/id' what is left out
                    (tools/catalog-differences.json)`;

/** The library's own rule for odd prices; its file imports nothing at run time. */
async function loadFindOddPrices() {
  const source = readFileSync(join(ROOT, 'lib/cost/odd-prices.ts'), 'utf8');
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
  });
  const { findOddPrices } = await import(
    `data:text/javascript;base64,${Buffer.from(outputText).toString('base64')}`
  );
  return findOddPrices;
}

function placeOf(given, other, name) {
  if (given !== undefined) return given;
  const shared = join(ROOT, '../shared/model-facts', name);
  return other === undefined && existsSync(shared) ? shared : undefined;
}

async function main() {
  const { values } = parseArgs({
    options: {
      models: { type: 'string' },
      ratings: { type: 'string' },
      write: { type: 'boolean', default: false },
      all: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      catalog: { type: 'string', default: join(ROOT, 'lib/catalog') },
      differences: { type: 'string', default: join(ROOT, 'tools/catalog-differences.json') },
    },
  });
  const modelsAt = placeOf(values.models, values.ratings, 'models.json');
  const ratingsAt = placeOf(values.ratings, values.models, 'arena-ratings.json');
  if (values.help || (modelsAt === undefined && ratingsAt === undefined)) {
    console.log(USAGE);
    if (!values.help) throw new Error('no source: name --models or --ratings');
    return;
  }

  const directory = values.catalog;
  const models = readCatalogModels(directory);
  const cited = readCitedRatings(directory);
  const sources = readCatalogSources(directory);
  const report = { models: undefined, ratings: undefined };
  if (modelsAt !== undefined) {
    const source = readModels(await readJson(modelsAt));
    const known = {
      models,
      snapshots: readSnapshotNames(directory),
      since: sources.models.seenUntil,
      differences: JSON.parse(readFileSync(values.differences, 'utf8')),
    };
    const { toWrite, ...found } = compareModels(known, source, await loadFindOddPrices());
    report.models = { place: modelsAt, date: source.date, compared: models.length, ...found };
    if (values.write) {
      await writeModels(toWrite, join(ROOT, 'lib/catalog/models.ts'));
      // A new model that is not dealt with is to be named again.
      const seenUntil = found.added.length === 0 ? source.date : sources.models.seenUntil;
      writeCatalogSource(directory, 'models', { ...source, seenUntil });
    }
  }
  if (ratingsAt !== undefined) {
    const source = readRatings(await readJson(ratingsAt));
    const { next, ...found } = compareRatings({ models, cited }, source);
    report.ratings = { place: ratingsAt, date: source.date, compared: Object.keys(cited).length, ...found };
    if (values.write) {
      writeRatings(directory, next);
      writeCatalogSource(directory, 'ratings', source);
    }
  }
  if (values.json) console.log(JSON.stringify(report, undefined, 2));
  else printReport(report, { isWritten: values.write, isAll: values.all });
}

try {
  await main();
} catch (error) {
  console.error(`catalog:update: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
