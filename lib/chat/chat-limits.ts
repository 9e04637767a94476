/** What one request may hold. */
export interface ChatLimits {
  readonly jsonDepth: number;
  readonly messages: number;
  readonly tools: number;
  readonly choices: number;
}

export const DEFAULT_CHAT_LIMITS: ChatLimits = { jsonDepth: 64, messages: 2_000, tools: 128, choices: 4 };
