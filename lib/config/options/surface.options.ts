import { IsOptional } from '../class-validator.js';
import type { Workload } from '../../context/llm-request-context.js';
import { NotSupportedYet, Section, SectionOneOrMany } from '../section.decorators.js';
import {
  IsAmount,
  IsCount,
  IsFlag,
  IsFloor,
  IsMilliseconds,
  IsName,
  IsNameOrNames,
  IsOneOf,
} from '../validators.js';
import { BudgetOptions } from './budget.options.js';
import { CalibrationOptions } from './classification.options.js';
import { RankingOptions } from './ranking.options.js';
import { OwnTimeoutOptions } from './timeout.options.js';

export const WORKLOADS = ['interactive', 'background'] as const;

/**
 * A product feature with its own floors.
 *
 * @publicApi
 */
@NotSupportedYet({
  retention: 'use `retentionDays`',
})
export class SurfaceOptions {
  /** Minimum quality, or a model's name ("at least as good as"). A hard limit on every attempt. */
  @IsOptional()
  @IsFloor()
  qualityFloor?: number | string;

  /** Minimum safety. A hard limit on every attempt. */
  @IsOptional()
  @IsFloor()
  safetyFloor?: number | string;

  /** @defaultValue 'interactive' */
  @IsOptional()
  @IsOneOf(WORKLOADS)
  workload?: Workload;

  /** @defaultValue 2000 for interactive work, none for background */
  @IsOptional()
  @IsMilliseconds()
  latencySloMs?: number;

  /** US dollars; held by lowering the answer's token limit to what the cap pays for. */
  @IsOptional()
  @IsAmount()
  maxCostPerRequest?: number;

  /** What all its requests together may cost: one, or one a day and one a month. */
  @IsOptional()
  @SectionOneOrMany(() => BudgetOptions)
  budget?: BudgetOptions | BudgetOptions[];

  /** The only model that may serve this surface. */
  @IsOptional()
  @IsName()
  pin?: string;

  /**
   * Where its requests may be answered: a region or several. A deployment passes that names one of them, or a part of one:
   * `eu` lets `eu-west-1` pass. A hard limit on every attempt.
   *
   * @defaultValue anywhere
   */
  @IsOptional()
  @IsNameOrNames()
  region?: string | string[];

  /**
   * Prompts may be kept for so many days; only deployments that say they keep them no longer pass (`retentionDays` of the
   * deployment, the model or the provider). A hard limit on every attempt.
   *
   * @defaultValue for as long as the provider does
   */
  @IsOptional()
  @IsAmount()
  retentionDays?: number;

  /** What decides among the models of one tier, before what the rule says. */
  @IsOptional()
  @Section(() => RankingOptions)
  ranking?: RankingOptions;

  /** The most tokens an answer may have, whatever the client asks for. */
  @IsOptional()
  @IsCount(1)
  maxOutputTokens?: number;

  @IsOptional()
  @Section(() => OwnTimeoutOptions)
  timeouts?: OwnTimeoutOptions;

  /** In place of `classification.threshold` and `classification.share`. */
  @IsOptional()
  @Section(() => CalibrationOptions)
  classification?: CalibrationOptions;

  /**
   * Who is served first where not all can be: of two surfaces the one with the higher number; the lowest is refused first.
   * Background work comes after all that is interactive.
   *
   * @defaultValue 50
   */
  @IsOptional()
  @IsCount(0, 100)
  priority?: number;

  /**
   * What becomes of a stream that fails after its first token. `error`: it ends with an error event. `continue`: another
   * model is handed what was already said and goes on from there, which the answer says (`llm_router.continued_by` in the
   * first chunk of it). An answer that cannot be taken up (a tool call, JSON, several choices) still ends with an error.
   *
   * @defaultValue 'error'
   */
  @IsOptional()
  @IsOneOf(['error', 'continue'])
  onStreamFailure?: 'error' | 'continue';

  /**
   * What becomes of a request that a provider's content filter refuses. `reject`: the caller gets the refusal. `next_model`:
   * the next model of the plan is asked.
   *
   * @defaultValue 'reject'
   */
  @IsOptional()
  @IsOneOf(['reject', 'next_model'])
  onContentFilter?: 'reject' | 'next_model';

  /** False: no request of it is ever sent twice at once, whatever `execution.hedge` says. @defaultValue true */
  @IsOptional()
  @IsFlag()
  hedge?: boolean;

  /**
   * Each of its requests has its line in the request log, with the whole plan and its reasons, every call and the model
   * version its provider reported. Wants `requestLog`; `npx nestjs-llm-router replay` reads it all the same.
   *
   * @defaultValue false
   */
  @IsOptional()
  @IsFlag()
  provenance?: boolean;

  /**
   * The text of its prompts and answers goes into the spans of OpenTelemetry, up to 32,768 characters of each: whoever may
   * read the traces may read them. It goes nowhere else.
   *
   * @defaultValue false
   */
  @IsOptional()
  @IsFlag()
  recordPrompts?: boolean;
}
