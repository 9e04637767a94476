import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { isEmbeddingModel } from '../catalog/index.js';
import {
  BUILT_IN_CLASSES,
  type Calibration,
  type ClassificationPolicy,
  compileCondition,
  type ExamplesPolicy,
  type JudgePolicy,
  type KeyedScorer,
  type OwnClass,
  TrainedScorer,
  WeightsFileError,
} from '../classification/index.js';
import {
  type CalibrationOptions,
  type ClassConditionOptions,
  type ClassOptions,
  didYouMean,
  type ExamplesOptions,
  type JudgeOptions,
  type LlmRouterConfiguration,
} from '../config/index.js';
import type { NameResolver } from './name-resolver.js';
import { NO_SURFACE, type PolicyModel, type PolicySurface } from './policy-snapshot.js';
import type { ProofNotes } from './proof-notes.js';

const PATH = 'classification';
const MAX_WEIGHTS_BYTES = 4 * 2 ** 20;
/** Vectors are made in one call, of which some providers take no more. */
const MAX_EXAMPLES = 100;

/** The classification of a configuration, proven: every class has a rule, every plug-in a model that can be called. */
export function compileClassification(
  configuration: LlmRouterConfiguration,
  names: NameResolver,
  surfaces: ReadonlyMap<string, PolicySurface>,
  notes: ProofNotes,
): ClassificationPolicy {
  const { classification, routingRules = {} } = configuration;
  const { classifier, examples, judge } = classification;
  const checkClass = (name: string, path: string): void => {
    if (BUILT_IN_CLASSES.some((builtIn) => builtIn === name) || Object.hasOwn(routingRules, name)) return;
    const hint = didYouMean(name, [...Object.keys(routingRules), ...BUILT_IN_CLASSES]);
    notes.errorBeside(path, `there is no rule for this class: add \`routingRules.${name}\`.${hint}`);
  };
  const classes = Object.entries(classification.classes ?? {}).map(([name, options]) => {
    checkClass(name, `${PATH}.classes.${name}`);
    return compileClass(name, options, surfaces, notes);
  });
  for (const name of Object.keys(examples?.classes ?? {})) {
    checkClass(name, `${PATH}.examples.classes.${name}`);
  }
  return {
    scorer: compileScorer(classification.weights, notes),
    calibration: compileCalibration(classification, PATH, notes),
    classes,
    classifier:
      classifier === undefined
        ? undefined
        : {
            classify: classifier.classify.bind(classifier),
            timeoutMs: classifier.timeoutMs,
            key: classifier.classify,
          },
    examples: examples === undefined ? undefined : compileExamples(examples, names, notes),
    judge: judge === undefined ? undefined : compileJudge(judge, names, notes),
  };
}

/** Undefined: the shipped weights are used. */
function compileScorer(weights: string | Uint8Array | undefined, notes: ProofNotes): KeyedScorer | undefined {
  if (weights === undefined) return undefined;
  try {
    const bytes = typeof weights === 'string' ? readWeights(weights) : weights;
    return { scorer: new TrainedScorer(bytes), key: createHash('sha256').update(bytes).digest('hex') };
  } catch (error) {
    // The file as it was written: the message of a file system may quote a path of the machine.
    const { code } = error as NodeJS.ErrnoException;
    const file = typeof weights === 'string' ? `"${weights}" ` : '';
    const reason =
      error instanceof WeightsFileError
        ? `${file === '' ? '' : `${file.trim()}: `}${error.message}`
        : code === 'ENOENT'
          ? `${file}is not there; a relative path begins at the working directory`
          : `${file}cannot be read (${code ?? 'unknown'})`;
    notes.errorBeside(`${PATH}.weights`, reason);
    return undefined;
  }
}

function readWeights(path: string): Uint8Array {
  // A directory, a pipe or a file of gigabytes is told before it is read.
  const stats = statSync(path);
  if (!stats.isFile()) throw new WeightsFileError('is no regular file');
  if (stats.size > MAX_WEIGHTS_BYTES)
    throw new WeightsFileError(`is larger than ${MAX_WEIGHTS_BYTES / 2 ** 20} MB`);
  return readFileSync(path);
}

/** Undefined: nothing is said of it. */
export function compileCalibration(
  options: CalibrationOptions | undefined,
  path: string,
  notes: ProofNotes,
): Calibration | undefined {
  const threshold = options?.threshold ?? undefined;
  const share = options?.share ?? undefined;
  if (threshold !== undefined && share !== undefined) {
    notes.errorBeside(path, 'give either `threshold` or `share`, not both');
  }
  if (share !== undefined) return { kind: 'share', value: share };
  return threshold === undefined ? undefined : { kind: 'threshold', value: threshold };
}

function compileClass(
  name: string,
  { when, matches }: ClassOptions,
  surfaces: ReadonlyMap<string, PolicySurface>,
  notes: ProofNotes,
): OwnClass {
  const path = `${PATH}.classes.${name}`;
  const given = Object.values(when ?? {}).filter((value) => value !== undefined);
  if (given.length === 0 && matches === undefined) {
    notes.errorBeside(
      path,
      'says of no request that it is of this class: give it `when`, or in code `matches`',
    );
  }
  if (when !== undefined) checkCondition(when, `${path}.when`, surfaces, notes);
  const holds = compileCondition(when ?? {});
  return {
    name,
    matches: matches === undefined ? holds : (input) => holds(input) && matches(input),
  };
}

function checkCondition(
  { surfaces: wanted = [], minCharacters = 0, maxCharacters }: ClassConditionOptions,
  path: string,
  surfaces: ReadonlyMap<string, PolicySurface>,
  notes: ProofNotes,
): void {
  wanted.forEach((name, index) => {
    if (name === NO_SURFACE || surfaces.has(name)) return;
    const hint = didYouMean(name, surfaces.keys());
    notes.errorBeside(`${path}.surfaces[${index}]`, `there is no surface "${name}".${hint}`);
  });
  if (maxCharacters !== undefined && minCharacters > maxCharacters) {
    notes.errorBeside(path, '`minCharacters` is over `maxCharacters`: no request is of this class');
  }
}

function compileExamples(
  { model: name, classes, minSimilarity, timeoutMs }: ExamplesOptions,
  names: NameResolver,
  notes: ProofNotes,
): ExamplesPolicy {
  const path = `${PATH}.examples`;
  const model = callable(name, `${path}.model`, names, notes);
  if (model?.capabilities !== undefined && !isEmbeddingModel(model.capabilities)) {
    notes.errorBeside(`${path}.model`, `"${name}" makes no embeddings`);
  }
  const examples = Object.entries(classes).flatMap(([className, texts]) =>
    texts.map((text) => ({ class: className, text })),
  );
  if (examples.length > MAX_EXAMPLES) notes.errorBeside(path, `at most ${MAX_EXAMPLES} examples in all`);
  return {
    model: name,
    examples,
    minSimilarity,
    timeoutMs,
    key: JSON.stringify([name, upstreamsOf(model), examples.map((example) => [example.class, example.text])]),
  };
}

/** Who is behind a name: another one is another plug-in. */
function upstreamsOf(model: PolicyModel | undefined): unknown {
  return model?.deployments.map(({ id, upstreamModel }) => [id, upstreamModel]);
}

function compileJudge(
  { model: name, margin, timeoutMs }: JudgeOptions,
  names: NameResolver,
  notes: ProofNotes,
): JudgePolicy {
  const path = `${PATH}.judge.model`;
  const model = callable(name, path, names, notes);
  if (model?.capabilities !== undefined && isEmbeddingModel(model.capabilities)) {
    notes.errorBeside(path, `"${name}" makes embeddings and answers no chat`);
  }
  if (model?.thinking === 'always') {
    notes.warn(path, `"${name}" thinks before it answers: it will rarely answer in one word and in time`);
  }
  return {
    model: model?.name ?? name,
    margin,
    timeoutMs,
    key: JSON.stringify([name, upstreamsOf(model)]),
  };
}

/** Undefined where it cannot be called, which is noted. */
function callable(
  name: string,
  path: string,
  names: NameResolver,
  notes: ProofNotes,
): PolicyModel | undefined {
  const errors = new Set(notes.errors);
  const model = names.resolve(name, path, notes);
  const isUnknown = notes.errors.some((error) => !errors.has(error));
  if (model === undefined && !isUnknown) {
    notes.errorBeside(path, `no provider serves "${name}"; ${names.howToServe(name)}`);
  }
  return model;
}
