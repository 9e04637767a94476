// How well the built-in classifier ranks prompts by what a strong model gains on them: RouteLLM's measures on recorded
// outcomes, each row scored by weights that had not seen its prompt, its subject, or its whole set. README.md says how.
//
//   npm run build && node bench/classification/run.mjs [--verify] [--json]
//
// --verify also trains the shipped weights again and says whether they are the same bits.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { readEverydayPrompts } from '../../tools/train/everyday-prompts.mjs';
import { loadLibrary } from '../../tools/train/library.mjs';
import { DATASETS, hasRoutingData, readRoutingData } from '../../tools/train/routing-data.mjs';
import { LIBRARY_FILES, SEED, trainModel } from '../../tools/train/train-model.mjs';
import { keywordScore } from './baselines.mjs';

const EVERYDAY = fileURLToPath(new URL('everyday.jsonl', import.meta.url));
const BUILT = fileURLToPath(new URL('../../dist/classification/trained/index.js', import.meta.url));
const RESAMPLES = 400;
/** The sets the goals are stated on; the fourth is of models of another time. */
const GOAL_SETS = ['mmlu', 'gsm8k', 'mix'];
const GOALS = { apgr: 0.625, cpt50: 0.35, everyday: 0.95 };
const OWN_ROWS = 500;

const { values: options } = parseArgs({
  options: { verify: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
});
const library = await loadLibrary([
  ...LIBRARY_FILES,
  'train-classifier.ts',
  'trained-scorer.ts',
  '../rules-classifier.ts',
  '../request-features.ts',
]);
const result = {};
const print = (text = '') => {
  if (!options.json) process.stdout.write(`${text}\n`);
};

function featuresOf(prompt) {
  return library.extractFeatures({ model: 'auto', messages: [{ role: 'user', content: prompt }] });
}

function hash(text) {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  return value >>> 0;
}

/** The same question in two sets, or asked with another closing line, is one question. */
const keyOf = (prompt) =>
  prompt
    .toLowerCase()
    .replace(/after careful thought.*$/s, '')
    .replace(/[^\p{L}\d]/gu, '');

/** Ways of holding rows out: into how many parts, and which part a row is in. */
const SCHEMES = {
  prompts: { parts: 5, partOf: ({ key }) => hash(key) % 5 },
  subjects: {
    parts: 9,
    partOf: ({ dataset, subset, key }) => {
      if (dataset === 'mmlu') return hash(`s${subset}`) % 9;
      return dataset === 'mix' ? MIX_TASKS.indexOf(subset) : hash(key) % 9;
    },
  },
  sets: { parts: DATASETS.length, partOf: ({ dataset }) => DATASETS.indexOf(dataset) },
};
const MIX_TASKS = [
  'mmlu',
  'gsm8k',
  'arc_challenge',
  'openbook_qa',
  'trivia_qa',
  'mbpp',
  'math',
  'commongen',
  'agentverse-mgsm',
];

/** Every row scored by weights trained without its part, and without any prompt of that part. */
function heldOutScores(rows, everyday, { parts, partOf }) {
  const scores = new Float64Array(rows.length);
  for (let part = 0; part < parts; part += 1) {
    const keys = new Set(rows.filter((row) => partOf(row) === part).map(({ key }) => key));
    const model = trainModel(
      library,
      rows.filter(({ key }) => !keys.has(key)),
      everyday,
    );
    rows.forEach((row, index) => {
      if (partOf(row) === part) scores[index] = library.predictMargin(model, row.reading);
    });
  }
  return scores;
}

/** APGR with its 95 % interval by resampling prompts, and the shares at which half and four fifths are recovered. */
function measure(scores, gains) {
  const random = library.seededRandom(SEED);
  const areas = [];
  for (let round = 0; round < RESAMPLES; round += 1) {
    const picked = Array.from(gains, () => Math.floor(random() * gains.length));
    const area = library.apgr(
      picked.map((index) => scores[index]),
      picked.map((index) => gains[index]),
    );
    if (area !== undefined) areas.push(area);
  }
  areas.sort((a, b) => a - b);
  return {
    apgr: library.apgr(scores, gains),
    low: areas[Math.floor(areas.length * 0.025)],
    high: areas[Math.floor(areas.length * 0.975)],
    cpt50: library.cpt(scores, gains, 0.5),
    cpt80: library.cpt(scores, gains, 0.8),
  };
}

const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;

function table(title, rankings, rows) {
  print(`\n${title}`);
  print(
    `${''.padEnd(34)}${DATASETS.map((name) => name.padEnd(22)).join('')}mean of ${GOAL_SETS.join(', ')}: APGR  CPT50  CPT80`,
  );
  for (const [name, scores] of Object.entries(rankings)) {
    const bySet = {};
    for (const dataset of DATASETS) {
      const indices = rows.flatMap((row, index) => (row.dataset === dataset ? [index] : []));
      bySet[dataset] = measure(
        indices.map((index) => scores[index]),
        indices.map((index) => rows[index].gain),
      );
    }
    const of = (key) => mean(GOAL_SETS.map((dataset) => bySet[dataset][key]));
    const cells = DATASETS.map((dataset) => {
      const { apgr, low, high } = bySet[dataset];
      return `${apgr.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`.padEnd(22);
    });
    const means = { apgr: of('apgr'), cpt50: of('cpt50'), cpt80: of('cpt80') };
    print(
      `${name.padEnd(34)}${cells.join('')}${' '.repeat(27)}${means.apgr.toFixed(3)}  ${(100 * means.cpt50).toFixed(0)} %   ${(100 * means.cpt80).toFixed(0)} %`,
    );
    result[name] = { bySet, means };
  }
}

function rankings() {
  const rows = readRoutingData().map(({ dataset, subset, prompt, strong, weak }) => ({
    dataset,
    subset,
    prompt,
    key: keyOf(prompt),
    gain: strong - weak,
    reading: library.readPrompt(prompt),
  }));
  const everyday = readEverydayPrompts().map(({ prompt, complex }) => ({
    complex,
    reading: library.readPrompt(prompt),
  }));
  const random = library.seededRandom(SEED);
  const rules = new library.RulesClassifier();
  const ours = Object.fromEntries(
    Object.entries(SCHEMES).map(([name, scheme]) => [name, heldOutScores(rows, everyday, scheme)]),
  );
  table(
    'APGR [95 % interval], each data set by itself',
    {
      'ours, prompts held out': ours.prompts,
      'ours, subjects and tasks held out': ours.subjects,
      'ours, whole sets held out': ours.sets,
      random: rows.map(() => random()),
      'prompt length': rows.map(({ prompt }) => prompt.length),
      'keywords (rules of ours)': rows.map(({ prompt }) => rules.classify(featuresOf(prompt)).score),
      'keywords (LiteLLM-like)': rows.map(({ prompt }) => keywordScore(prompt)),
    },
    rows,
  );
  ownRows(rows, everyday);
}

/** What 500 rows of a kind give to weights that never saw the kind. */
function ownRows(rows, everyday) {
  print(
    `\n\`train\` with ${OWN_ROWS} rows of a kind, from weights that never saw it, on its other rows (APGR)`,
  );
  result.ownRows = {};
  const kinds = {
    gsm8k: ({ dataset }) => dataset === 'gsm8k',
    'gsm8k-175b-6b': ({ dataset }) => dataset === 'gsm8k-175b-6b',
    'mmlu (27 subjects)': ({ dataset }) => dataset === 'mmlu',
    'mix (9 tasks)': ({ dataset }) => dataset === 'mix',
  };
  for (const [name, isOf] of Object.entries(kinds)) {
    const keys = new Set(rows.filter(isOf).map(({ key }) => key));
    const base = trainModel(
      library,
      rows.filter(({ key }) => !keys.has(key)),
      everyday,
    );
    const own = rows.filter(isOf);
    const rounds = Array.from({ length: 3 }, (_, round) => {
      const order = library.shuffledIndices(own.length, library.seededRandom(SEED + round));
      // Of a small set a fifth is kept to measure on.
      const count = Math.min(OWN_ROWS, Math.floor(own.length * 0.8));
      const taught = [...order.slice(0, count)].map((index) => own[index]);
      const rest = [...order.slice(count)].map((index) => own[index]);
      const { weights, report } = library.trainClassifier({
        rows: taught.map(({ prompt, gain }) => ({ prompt, gain })),
        base: library.encodeWeights(base),
        seed: SEED + round,
      });
      const after = library.decodeWeights(weights);
      const gains = rest.map(({ gain }) => gain);
      const area = (model) =>
        library.apgr(
          rest.map(({ reading }) => library.predictMargin(model, reading)),
          gains,
        );
      return { before: area(base), after: area(after), told: report.heldOutApgr, count };
    });
    const before = mean(rounds.map((round) => round.before));
    const after = mean(rounds.map((round) => round.after));
    result.ownRows[name] = { before, after };
    print(
      `  ${name.padEnd(22)}${before.toFixed(3)} -> ${after.toFixed(3)}   (${rounds[0].count} rows, mean of ${rounds.length} draws; told by itself: ${mean(rounds.map(({ told }) => told)).toFixed(3)})`,
    );
  }
}

function everydayAccuracy(scorer, label) {
  if (!existsSync(EVERYDAY)) {
    print('\neveryday prompts: bench/classification/everyday.jsonl is not there');
    return;
  }
  const rows = readFileSync(EVERYDAY, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const classes = rows.map(({ prompt }) =>
    scorer.score(featuresOf(prompt)) >= 0.5 ? 'complex_reasoning' : 'simple_queries',
  );
  const wrong = rows.filter(({ expected }, index) => classes[index] !== expected);
  result.everyday = 1 - wrong.length / rows.length;
  print(
    `\neveryday prompts (${label}): ${(100 * result.everyday).toFixed(1)} % of ${rows.length} as a person would`,
  );
  for (const { prompt, expected } of wrong) print(`  not ${expected}: ${prompt.slice(0, 100)}`);
}

function median(rounds, call) {
  const times = Array.from({ length: rounds }, () => {
    const startedAt = performance.now();
    call();
    return performance.now() - startedAt;
  });
  return times.sort((a, b) => a - b)[Math.floor(rounds / 2)];
}

async function costs(Scorer) {
  const before = process.cpuUsage();
  const scorer = new Scorer();
  const { user, system } = process.cpuUsage(before);
  const firstMs = (user + system) / 1_000;
  const line = 'The migration must not lose a row, so we compare both tables (a = b) and log what differs.\n';
  const features = (bytes) => featuresOf(line.repeat(Math.ceil(bytes / line.length)).slice(0, bytes));
  const sizes = { '4 KB': features(4_096), '1 MB': features(1_000_000), '100 bytes': features(100) };
  print();
  for (const [name, value] of Object.entries(sizes)) {
    median(200, () => scorer.score(value));
    const ms = median(500, () => scorer.score(value));
    result[`score ${name} us`] = ms * 1_000;
    print(`score of ${name.padEnd(10)} ${(ms * 1_000).toFixed(0)} us`);
  }
  const bytes = library.encodeWeights(library.builtInModel()).length;
  result.weights = { bytes, firstMs };
  print(`weights            ${bytes} bytes, read in ${firstMs.toFixed(1)} ms of CPU when first used`);
  return scorer;
}

const isBuilt = existsSync(BUILT);
if (!isBuilt) print('dist/ is not built (npm run build): times and everyday prompts are of the sources');
const { TrainedScorer } = isBuilt ? await import(pathToFileURL(BUILT).href) : library;
const scorer = await costs(TrainedScorer);
everydayAccuracy(scorer, isBuilt ? 'shipped weights' : 'weights of the sources');
if (hasRoutingData) {
  rankings();
  const { means } = result['ours, subjects and tasks held out'];
  const { bySet } = result['ours, subjects and tasks held out'];
  const low = DATASETS.filter((dataset) => bySet[dataset].high < 0.5);
  const checks = [
    [`mean APGR >= ${GOALS.apgr}`, means.apgr >= GOALS.apgr],
    [`mean CPT50 <= ${100 * GOALS.cpt50} %`, means.cpt50 <= GOALS.cpt50],
    ['no set whose interval ends under 0.5', low.length === 0],
    ...(result.everyday === undefined
      ? []
      : [[`everyday >= ${100 * GOALS.everyday} %`, result.everyday >= GOALS.everyday]]),
  ];
  print('\ngoals, by subjects and tasks held out');
  for (const [name, isMet] of checks) print(`  ${isMet ? 'met    ' : 'NOT MET'} ${name}`);
  result.goalsMet = checks.every(([, isMet]) => isMet);
} else {
  print('\nno ranking measured: the recorded outcomes (../shared/routing-data) are not beside the checkout');
}
if (options.json) process.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`);
if (options.verify) {
  execFileSync(
    process.execPath,
    [fileURLToPath(new URL('../../tools/train-classifier.mjs', import.meta.url)), '--verify'],
    { stdio: 'inherit' },
  );
}
