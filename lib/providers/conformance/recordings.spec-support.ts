import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { PROVIDER_APIS, type ProviderApi } from '../adapter-registry.js';

const SHARED = new URL('../../../../shared/', import.meta.url);

/** False where the project stands without the reference material beside it. */
export const hasShared = existsSync(new URL('fixtures/README.md', SHARED));

export function readShared(path: string): unknown {
  return JSON.parse(readFileSync(new URL(path, SHARED), 'utf8'));
}

/** One exchange with a provider, as `fixtures/README.md` describes it. */
export interface Recording {
  readonly id: string;
  readonly provider: string;
  readonly api: string;
  readonly case: string;
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly sse_raw?: string;
  readonly raw?: string;
  readonly request: { readonly path?: string; readonly body?: unknown } | null;
}

/** The wire a recording speaks, as the readers of this suite name them. */
export type RecordedWire = 'openai' | 'anthropic' | 'gemini';

export interface Scope {
  readonly wire: RecordedWire;
  /** Whose adapter has to read it. */
  readonly api: ProviderApi;
}

/** A maker whose quirks are known has an adapter of its name; the others are spoken to like any compatible server. */
function chatApiOf(provider: string): ProviderApi {
  if (provider === 'azure') return 'azure-openai';
  return PROVIDER_APIS.find((api) => api === provider) ?? 'openai-compatible';
}

/** The adapter that has to read a recording; undefined: no recording of this suite. */
export function scopeOf(recording: Recording): Scope | undefined {
  switch (recording.api) {
    case 'chat':
      return { wire: 'openai', api: chatApiOf(recording.provider) };
    case 'messages':
      return { wire: 'anthropic', api: 'anthropic' };
    case 'generateContent':
      // Vertex AI's bodies are Gemini's; what is its own has a suite beside its adapter.
      return { wire: 'gemini', api: 'gemini' };
    default:
      return undefined;
  }
}

/** Recordings that no adapter of chat has to read, with the reason. */
const OUT_OF_SCOPE: Readonly<Record<string, string>> = {
  embeddings: 'embeddings: elsewhere',
  'native-embed': 'Ollama’s own API: reached by its OpenAI-compatible one',
  'native-chat': 'Ollama’s own API: reached by its OpenAI-compatible one',
  'native-generate': 'Ollama’s own API: reached by its OpenAI-compatible one',
  'chat-v2': 'Cohere’s own API: reached by its OpenAI-compatible one',
  embed: 'Cohere’s own API: reached by its OpenAI-compatible one',
  converse: 'Bedrock: a suite of its own (bedrock-recorded.spec.ts)',
  invoke: 'Bedrock: a suite of its own (bedrock-recorded.spec.ts)',
  responses: 'Responses API of an upstream: no adapter speaks it, chat completions do the same',
  completions: 'legacy completions: refused by the router',
  moderations: 'no endpoint of the router',
  models: 'no answer of a model',
  count_tokens: 'no endpoint of the router',
  countTokens: 'no endpoint of the router',
};

/** Why a recording is none of this suite; undefined: it is one, or nobody has said. */
export function reasonOutOfScope(recording: Recording): string | undefined {
  return OUT_OF_SCOPE[recording.api];
}

/** Every recording there is; none where the reference material is absent. */
export function readRecordings(): Recording[] {
  if (!hasShared) return [];
  return readdirSync(new URL('fixtures/', SHARED), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name: provider }) =>
      readdirSync(new URL(`fixtures/${provider}/`, SHARED)).map(
        (name) => readShared(`fixtures/${provider}/${name}`) as Recording,
      ),
    );
}

/** Some files hold the streams of several turns: each begins after the terminator of the one before. */
export function streamsOf(recording: Recording): string[] {
  if (recording.sse_raw === undefined) {
    // Without `alt=sse` Gemini's stream is one list.
    return recording.status < 300 && Array.isArray(recording.body)
      ? [recording.body.map((payload) => `data: ${JSON.stringify(payload)}\n\n`).join('')]
      : [];
  }
  const pieces = recording.sse_raw.split(
    /(?<=data: ?\[DONE\]\r?\n\r?\n|data: ?\{"type": ?"message_stop"[^\n]*\n\r?\n)/,
  );
  const streams: string[] = [];
  for (const piece of pieces) {
    // A proxy's `[DONE]` after Anthropic's own terminator, an error's, or nothing at all: of the stream before it.
    if (streams.length > 0 && /^(?:\s|data: ?\[DONE\])*$/.test(piece)) {
      streams.push(`${streams.pop() ?? ''}${piece}`);
    } else {
      streams.push(piece);
    }
  }
  return streams;
}
