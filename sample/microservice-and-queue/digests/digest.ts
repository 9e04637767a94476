/** The queue's name. */
export const DIGESTS = 'digests';

/** A job: tickets to be summarised in the background. */
export interface DigestJob {
  readonly title: string;
  readonly tickets: readonly string[];
}

/** What becomes of it. */
export interface Digest {
  readonly title: string;
  readonly summary: string;
}
