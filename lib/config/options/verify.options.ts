import { IsOptional } from '../class-validator.js';
import { IsFlag, IsFunction, IsMilliseconds, IsShareOrAll } from '../validators.js';
import type { AnswerVerifier } from './answer-verifier.js';

/**
 * Answers of a rule are looked at before they are given: where one is not good enough, the next harder rule answers, and
 * both are paid for. Where nobody harder answers, the first answer is given all the same. All checks that are given must
 * pass. For whole answers to requests that the class decides on; streams, and requests that name their rule, are not
 * looked at.
 *
 * @publicApi
 */
export class VerifyOptions {
  /** The answer is the JSON that `response_format` asks for, and fits its schema (but for patterns and formats). */
  @IsOptional()
  @IsFlag()
  schema?: boolean;

  /**
   * The model that answered is asked how sure it is that its answer is right, from 0 to 1: so much at least. Costs one
   * more short call of it.
   */
  @IsOptional()
  @IsShareOrAll()
  confidence?: number;

  /** In code. One that throws or takes too long says nothing: the answer is given. */
  @IsOptional()
  @IsFunction()
  verifier?: AnswerVerifier;

  /** For `verifier`, and for the call of `confidence`. @defaultValue 2000 */
  @IsMilliseconds()
  timeoutMs = 2_000;
}
