import { IsOptional, ValidateBy } from '../class-validator.js';
import { Section, SectionMap } from '../section.decorators.js';
import {
  IsCount,
  IsFunction,
  IsListOf,
  IsMilliseconds,
  IsName,
  IsNames,
  IsShareOrAll,
} from '../validators.js';
import type { ClassificationInput, CustomClassifier } from './classification-input.js';

/** Languages that are told apart, by their ISO 639-1 codes. */
export const CLASS_LANGUAGES = [
  'ja',
  'zh',
  'ko',
  'ru',
  'ar',
  'hi',
  'en',
  'es',
  'fr',
  'de',
  'pt',
  'it',
] as const;

const MAX_WORDS = 200;
const MAX_WORD_CHARACTERS = 100;
const MAX_EXAMPLES = 100;
const MAX_EXAMPLE_CHARACTERS = 4_096;

function isTexts(value: unknown, maxCount: number, maxCharacters: number): boolean {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.length <= maxCount &&
    value.every((entry) => typeof entry === 'string' && entry.trim() !== '' && entry.length <= maxCharacters)
  );
}

function IsWords(): PropertyDecorator {
  return ValidateBy({
    name: 'isWords',
    validator: {
      validate: (value) => isTexts(value, MAX_WORDS, MAX_WORD_CHARACTERS),
      defaultMessage: () =>
        `must be a list of 1 to ${MAX_WORDS} words or phrases of at most ${MAX_WORD_CHARACTERS} characters`,
    },
  });
}

function IsFileOrBytes(): PropertyDecorator {
  return ValidateBy({
    name: 'isFileOrBytes',
    validator: {
      validate: (value) => value instanceof Uint8Array || (typeof value === 'string' && value.trim() !== ''),
      defaultMessage: () => 'must be the path of a weights file, or in code its bytes',
    },
  });
}

function IsTools(): PropertyDecorator {
  return ValidateBy({
    name: 'isTools',
    validator: {
      validate: (value) => typeof value === 'boolean' || isTexts(value, 128, 256),
      defaultMessage: () => 'must be true, false or a list of names of tools',
    },
  });
}

function IsExamples(): PropertyDecorator {
  return ValidateBy({
    name: 'isExamples',
    validator: {
      validate: (value: unknown) => {
        if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
        const lists: readonly unknown[] = Object.values(value);
        return (
          lists.length > 0 &&
          lists.every((list) => isTexts(list, MAX_EXAMPLES, MAX_EXAMPLE_CHARACTERS)) &&
          lists.flat().length <= MAX_EXAMPLES
        );
      },
      defaultMessage: () =>
        `must give each class a list of example prompts, at most ${MAX_EXAMPLES} in all and of at most ${MAX_EXAMPLE_CHARACTERS} characters each`,
    },
  });
}

/**
 * When a request is of a class of your own. All conditions that are given must hold; in a list one of its entries must.
 *
 * @publicApi
 */
export class ClassConditionOptions {
  /** Names out of `surfaces`; `none` for requests that name no surface. */
  @IsOptional()
  @IsNames()
  surfaces?: string[];

  /** True: it offers tools. False: it offers none. A list: it offers one of these, by name. */
  @IsOptional()
  @IsTools()
  tools?: boolean | string[];

  /** Of the last user turn. */
  @IsOptional()
  @IsCount(0)
  minCharacters?: number;

  /** Of the last user turn. */
  @IsOptional()
  @IsCount(0)
  maxCharacters?: number;

  /**
   * Of the last user turn, told by its script and by common words: a rule of thumb, that is sure of no language for a
   * text of few words. The codes known: `ja`, `zh`, `ko`, `ru`, `ar`, `hi`, `en`, `es`, `fr`, `de`, `pt`, `it`.
   */
  @IsOptional()
  @IsListOf(CLASS_LANGUAGES)
  languages?: string[];

  @IsOptional()
  @IsNames()
  tenants?: string[];

  /**
   * Words or phrases, found in any case and as words: `will` is not in `goodwill`. Looked for in the last user turn; of
   * one over 4,096 characters in its beginning and its end. No regular expressions.
   */
  @IsOptional()
  @IsWords()
  words?: string[];
}

/**
 * A class of your own: `when` its conditions hold, and in code also when a function says so; of both, both.
 *
 * @publicApi
 */
export class ClassOptions {
  @IsOptional()
  @Section(() => ClassConditionOptions)
  when?: ClassConditionOptions;

  /** In code. Called for every request: it must be quick. One that throws does not match. */
  @IsOptional()
  @IsFunction()
  matches?: (input: ClassificationInput) => boolean;
}

/**
 * A classifier of your own, in code.
 *
 * @publicApi
 */
export class ClassifierOptions {
  @IsFunction()
  classify!: CustomClassifier;

  /** Then the router's own decides, as where it throws. @defaultValue 500 */
  @IsMilliseconds()
  timeoutMs = 500;
}

/**
 * Classes by likeness to example prompts, told by an embedding model. Costs one short call a request that no class of
 * `classes` and no `classifier` has decided on.
 *
 * @publicApi
 */
export class ExamplesOptions {
  /** A model that makes embeddings. */
  @IsName()
  model!: string;

  /** Prompts as people write them, by class: built-in ones or your own. */
  @IsExamples()
  classes!: Record<string, string[]>;

  /**
   * Cosine of the angle between request and example, at least. What is like and what is not differs from model to model:
   * see the figures in `explain`'s notes of answers.
   *
   * @defaultValue 0.5
   */
  @IsShareOrAll()
  minSimilarity = 0.5;

  /** For the call of one request; then the score decides. @defaultValue 1000 */
  @IsMilliseconds()
  timeoutMs = 1_000;
}

/**
 * A cheap model that is asked whether a request is simple or complex, where the score is near the threshold.
 *
 * @publicApi
 */
export class JudgeOptions {
  /** A model that answers without thinking first. */
  @IsName()
  model!: string;

  /** Asked where the score is at most so far from the threshold. @defaultValue 0.1 */
  @IsShareOrAll()
  margin = 0.1;

  /** For the call; then the score decides. @defaultValue 2000 */
  @IsMilliseconds()
  timeoutMs = 2_000;
}

/**
 * How hard requests are told from easy ones: by a threshold or by a share.
 *
 * @publicApi
 */
export class CalibrationOptions {
  /** Requests of this score and over are `complex_reasoning`. @defaultValue that of the built-in scorer */
  @IsOptional()
  @IsShareOrAll()
  threshold?: number;

  /**
   * This share of the traffic is to be `complex_reasoning`: the threshold is learned for each surface from its own last
   * 500 requests, from 50 on. Of requests that the score decides on.
   */
  @IsOptional()
  @IsShareOrAll()
  share?: number;
}

/**
 * How it is told what a request is. In this order, and the first that knows decides: `classes`, `classifier`, `examples`,
 * then the score against the threshold, with `judge` where it is close.
 *
 * @publicApi
 */
export class ClassificationOptions extends CalibrationOptions {
  /**
   * A file of weights that `npx nestjs-llm-router train` wrote from your own outcomes, or in code its bytes. Read once, with
   * the configuration.
   *
   * @defaultValue the shipped weights
   */
  @IsOptional()
  @IsFileOrBytes()
  weights?: string | Uint8Array;

  /** In the order written; the first that matches. Each needs a rule of its name in `routingRules`. */
  @IsOptional()
  @SectionMap(() => ClassOptions)
  classes?: Record<string, ClassOptions>;

  @IsOptional()
  @Section(() => ClassifierOptions)
  classifier?: ClassifierOptions;

  @IsOptional()
  @Section(() => ExamplesOptions)
  examples?: ExamplesOptions;

  @IsOptional()
  @Section(() => JudgeOptions)
  judge?: JudgeOptions;
}
