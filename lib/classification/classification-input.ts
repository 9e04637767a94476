import type { ValidatedChatRequest } from '../chat/index.js';
import type { ClassificationInput } from '../config/index.js';
import type { Workload } from '../context/index.js';
import { boundedText } from './bounded-text.js';
import { detectLanguage } from '../quality/index.js';
import type { RequestFeatures } from './request-features.js';

/** What conditions and plug-ins read of a question: 4 KB of English. */
export const READ_CHARACTERS = 4_096;
/** Of tools a client names; more are not looked at. */
const MAX_TOOLS = 128;

export interface ClassificationCircumstances {
  readonly surface: string;
  readonly workload: Workload;
  readonly tenant: string | undefined;
}

interface Tool {
  readonly name?: string;
  readonly function?: { readonly name: string };
  readonly custom?: { readonly name: string };
}

function namesOf({
  tools,
  functions,
}: {
  readonly tools?: readonly Tool[] | null | undefined;
  /** Deprecated, and what many clients go on sending. */
  readonly functions?: readonly Tool[] | null;
}): string[] {
  return [...(tools ?? []), ...(functions ?? [])]
    .slice(0, MAX_TOOLS)
    .flatMap((tool) => tool.function?.name ?? tool.custom?.name ?? tool.name ?? []);
}

/** What takes time to find out is found out when it is asked for. */
export function classificationInput(
  request: ValidatedChatRequest,
  features: RequestFeatures,
  { surface, workload, tenant }: ClassificationCircumstances,
  score: number,
): ClassificationInput {
  let text: string | undefined;
  let tools: readonly string[] | undefined;
  let language: { readonly code: string | undefined } | undefined;
  const input: ClassificationInput = {
    surface,
    workload,
    tenant,
    get text() {
      return (text ??= boundedText(features.questionText, READ_CHARACTERS));
    },
    characters: features.questionCharacters,
    get language() {
      return (language ??= { code: detectLanguage(input.text) }).code;
    },
    get tools() {
      return (tools ??= namesOf(request));
    },
    messageCount: features.messageCount,
    inputTokens: features.inputTokens,
    streamed: features.streamed,
    capabilities: features.capabilities,
    score,
  };
  return input;
}
