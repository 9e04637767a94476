/** What differs on the wire between the places that serve Gemini. */
export interface GeminiHost {
  /** From Gemini 3 on calls and their responses are replayed with the call's id. */
  readonly takesCallIds: boolean;
  /** Google fetches https addresses for Gemini before 2.5 too. */
  readonly alwaysFetchesUrls: boolean;
  /** `gs://` addresses are passed on. */
  readonly readsBuckets: boolean;
}

/** The Gemini API, `generativelanguage.googleapis.com`. */
export const GEMINI_API: GeminiHost = { takesCallIds: true, alwaysFetchesUrls: false, readsBuckets: false };
