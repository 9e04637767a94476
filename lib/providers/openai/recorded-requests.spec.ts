import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PRESET_NAMES, type PresetName, PROVIDER_PRESETS } from '../../catalog/index.js';
import type { ValidatedChatRequest } from '../../chat/chat-types.js';
import { toPresetRequest } from './to-preset-request.js';

const SHARED = new URL('../../../../shared/', import.meta.url);
const hasShared = existsSync(new URL('fixtures/README.md', SHARED));

type Fields = Readonly<Record<string, unknown>>;

interface Recording {
  readonly id: string;
  readonly api: string;
  readonly status: number;
  readonly request: { readonly body?: unknown };
}

/** The request of a recording as a client of the router would have sent it. */
interface Recorded {
  readonly id: string;
  readonly body: Fields;
  readonly request: ValidatedChatRequest;
}

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Provider's words that are not OpenAI's: what a client says in their place. */
function toRequest(body: Fields): ValidatedChatRequest {
  const { random_seed: seed, tool_choice: choice, ...rest } = body;
  return {
    ...rest,
    ...(seed === undefined ? {} : { seed }),
    ...(choice === undefined ? {} : { tool_choice: choice === 'any' ? 'required' : choice }),
  } as unknown as ValidatedChatRequest;
}

function requestsOf(provider: string): Recorded[] {
  return readdirSync(new URL(`fixtures/${provider}/`, SHARED))
    .map(
      (name) =>
        JSON.parse(readFileSync(new URL(`fixtures/${provider}/${name}`, SHARED), 'utf8')) as Recording,
    )
    .flatMap(({ id, api, status, request: { body } }) =>
      api === 'chat' && status < 300 && isObject(body) && Array.isArray(body.messages)
        ? [{ id, body, request: toRequest(body) }]
        : [],
    );
}

/** Fields that may be otherwise in our request than in the one the provider took: said in another field, or not at all. */
const OTHERWISE: Readonly<Partial<Record<PresetName, readonly string[]>>> = {
  // `stream_options` beside `stream: false` says nothing; the limit stands in one field for all.
  openrouter: ['stream_options', 'max_completion_tokens', 'max_tokens'],
  // A template: every value is the text "string".
  together: ['max_tokens', 'logit_bias', 'logprobs', 'tools', 'tool_choice', 'response_format'],
};

/** A message with the marks our own clients lack taken off: `prefix: false`, nulls, thinking under its two names. */
function essentialsOf(message: unknown): Fields {
  if (!isObject(message)) return {};
  const { reasoning, reasoning_content: named, prefix, ...rest } = message;
  const thinking = named ?? reasoning;
  return {
    ...Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== null)),
    ...(prefix === true ? { prefix } : {}),
    ...(thinking === undefined || thinking === '' ? {} : { thinking }),
  };
}

describe.skipIf(!hasShared)('recorded requests (skipped where ../shared is absent)', () => {
  const recorded = hasShared
    ? PRESET_NAMES.filter((name) => existsSync(new URL(`fixtures/${name}/`, SHARED)))
    : [];
  const all = recorded.flatMap((name) => requestsOf(name).map((each) => ({ name, ...each })));

  it('are there', () => {
    expect(all.length).toBeGreaterThan(100);
  });

  it.each(all)('$id goes out as it was taken', ({ name, body, request }) => {
    const { quirks } = PROVIDER_PRESETS[name];
    const sent = toPresetRequest(
      {
        upstreamModel: String(body.model),
        request,
        stream: body.stream === true,
        maxOutputTokens: undefined,
        modelMaxOutputTokens: undefined,
        reasoning: JSON.stringify(body).includes('thinking') || 'reasoning_effort' in body,
      },
      PROVIDER_PRESETS[name],
    );
    const otherwise = OTHERWISE[name] ?? [];
    for (const [field, value] of Object.entries(body)) {
      if (field === 'messages' || value === null || otherwise.includes(field)) continue;
      if (field === 'tools') {
        // Its own, with parameters where it had none; an empty list is none.
        expect(sent.tools ?? []).toMatchObject(value as object);
        continue;
      }
      const word = quirks.renamedFields[field] ?? field;
      const isIdle = (field === 'n' && value === 1) || (field.endsWith('_penalty') && value === 0);
      if (isIdle && !(word in sent)) continue;
      expect(sent[word], field).toEqual(value);
    }
    const unasked = Object.keys(sent).filter((field) => !(field in body) && !otherwise.includes(field));
    expect(unasked.filter((field) => !['stream', 'stream_options'].includes(field))).toEqual([]);
    const messages = body.messages as readonly unknown[];
    expect((sent.messages as readonly unknown[]).map(essentialsOf)).toEqual(messages.map(essentialsOf));
  });
});
