import { IsOptional } from '../class-validator.js';
import type { Workload } from '../../context/llm-request-context.js';
import { NotSupportedYet } from '../section.decorators.js';
import { IsAmount, IsCount, IsFloor, IsMilliseconds, IsName, IsOneOf } from '../validators.js';

export const WORKLOADS = ['interactive', 'background'] as const;

/**
 * A product feature with its own floors.
 *
 * @publicApi
 */
@NotSupportedYet({
  budget: '',
  provenance: 'use `pin` to fix the model',
  region: '',
  retention: '',
  recordPrompts: '',
  onStreamFailure: '',
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

  /** The only model that may serve this surface. */
  @IsOptional()
  @IsName()
  pin?: string;

  /** The most tokens an answer may have, whatever the client asks for. */
  @IsOptional()
  @IsCount(1)
  maxOutputTokens?: number;
}
