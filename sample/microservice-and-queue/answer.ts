/** What a model said, and which one did. */
export interface Answer {
  readonly text: string;
  readonly model: string;
}
