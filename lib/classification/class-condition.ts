import type { ClassificationInput } from '../config/index.js';
import { compileWords, foldText } from './class-words.js';

/** Conditions of a class, of which all must hold; one that is not given holds. */
export interface ClassCondition {
  readonly surfaces?: readonly string[] | undefined;
  /** Some tool, or none; or one of these. */
  readonly tools?: boolean | readonly string[] | undefined;
  readonly minCharacters?: number | undefined;
  readonly maxCharacters?: number | undefined;
  readonly languages?: readonly string[] | undefined;
  readonly tenants?: readonly string[] | undefined;
  readonly words?: readonly string[] | undefined;
}

type Check = (input: ClassificationInput) => boolean;

/** Made once for all classes of a request. */
const FOLDED = new WeakMap<ClassificationInput, string>();

function foldedTextOf(input: ClassificationInput): string {
  let folded = FOLDED.get(input);
  if (folded === undefined) {
    folded = foldText(input.text);
    FOLDED.set(input, folded);
  }
  return folded;
}

function checkTools(tools: boolean | readonly string[]): Check {
  if (typeof tools === 'boolean') return (input) => input.tools.length > 0 === tools;
  const wanted = new Set(tools);
  return (input) => input.tools.some((name) => wanted.has(name));
}

/** The conditions as one check, what is cheap to know before what must be read for. */
export function compileCondition(condition: ClassCondition): Check {
  const { minCharacters = 0, maxCharacters = Number.POSITIVE_INFINITY } = condition;
  const checks: Check[] = [({ characters }) => characters >= minCharacters && characters <= maxCharacters];
  if (condition.surfaces !== undefined) {
    const surfaces = new Set(condition.surfaces);
    checks.push(({ surface }) => surfaces.has(surface));
  }
  if (condition.tenants !== undefined) {
    const tenants = new Set(condition.tenants);
    checks.push(({ tenant }) => tenant !== undefined && tenants.has(tenant));
  }
  if (condition.tools !== undefined) checks.push(checkTools(condition.tools));
  if (condition.languages !== undefined) {
    const languages = new Set(condition.languages);
    checks.push(({ language }) => language !== undefined && languages.has(language));
  }
  if (condition.words !== undefined) {
    const hasWord = compileWords(condition.words);
    checks.push((input) => hasWord(foldedTextOf(input)));
  }
  return (input) => checks.every((check) => check(input));
}
