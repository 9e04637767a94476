import { IsOptional } from '../class-validator.js';
import { IsMilliseconds } from '../validators.js';

/**
 * How long each part of an attempt may take.
 *
 * @publicApi
 */
export class TimeoutOptions {
  /** For a connection, to the end of the TLS handshake. @defaultValue 2000 */
  @IsMilliseconds()
  connectMs = 2_000;

  /** Until the first token of a stream. @defaultValue 15000; 120000 for models with `reasoning` */
  @IsOptional()
  @IsMilliseconds()
  firstTokenMs?: number;

  /** Between two pieces of a stream. @defaultValue 15000 */
  @IsMilliseconds()
  idleMs = 15_000;

  /** A whole stream. @defaultValue 600000 */
  @IsMilliseconds()
  maxStreamMs = 600_000;
}

/**
 * Timeouts of one deployment, tier or surface, instead of those under `execution`. Where more than one of the three sets
 * the same, the shortest counts.
 *
 * @publicApi
 */
export class OwnTimeoutOptions {
  /** For a connection, to the end of the TLS handshake. */
  @IsOptional()
  @IsMilliseconds()
  connectMs?: number;

  /** Until the first token of a stream. */
  @IsOptional()
  @IsMilliseconds()
  firstTokenMs?: number;

  /** Between two pieces of a stream. */
  @IsOptional()
  @IsMilliseconds()
  idleMs?: number;

  /** A whole stream. */
  @IsOptional()
  @IsMilliseconds()
  maxStreamMs?: number;
}
