import type { AlertKind, AlertSubject } from '../../telemetry/index.js';
import type { AlertState } from './judge-rate.js';

/** What a watch sees now. */
export interface AlertLook {
  readonly state: AlertState;
  /** What people are told: a share, a latency, a score. */
  readonly value: number;
  /** How many it is out of. */
  readonly requests: number;
  /** In words, after the subject's name. */
  readonly text: string;
}

/** One thing of one subject that may be wrong. Whatever it goes by, it says how things stand when it is asked. */
export interface AlertWatch {
  readonly kind: AlertKind;
  readonly subject: AlertSubject;
  readonly threshold: number;
  readonly windowMs: number;
  /** Of two values the worse one; by default the higher. */
  readonly isLowBad?: boolean;
  /** @param isOpen - An alert on it stands. */
  look(nowMs: number, isOpen: boolean): AlertLook;
}

/** What all watches go by; it changes with a reload, under them. */
export interface WatchSettings {
  readonly errorRate: number;
  readonly timeoutRate: number;
  readonly latencyPercentile: number;
  readonly minRequests: number;
  readonly windowMs: number;
  readonly slowWindowMs: number;
  readonly quality: { readonly minScore: number; readonly minAnswers: number };
  /** Standard deviations of the configured confidence. */
  readonly z: number;
}

export function percent(share: number): string {
  return `${Math.round(share * 1_000) / 10} %`;
}

export function duration(milliseconds: number): string {
  return milliseconds % 60_000 === 0 ? `${milliseconds / 60_000} min` : `${milliseconds / 1_000} s`;
}
