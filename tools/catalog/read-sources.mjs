import { readFile } from 'node:fs/promises';

const FETCH_TIMEOUT_MS = 60_000;
/** The kinds of task the catalogue cites, in the order of `arena-ratings.ts`. */
export const RATING_CATEGORIES = ['full', 'hard_6', 'coding', 'math'];

/** Reads JSON from a file, or over the network where a URL is given. */
export async function readJson(place) {
  if (!/^https?:\/\//.test(place)) return JSON.parse(await readFile(place, 'utf8'));
  const answer = await fetch(place, { signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) });
  if (!answer.ok) throw new Error(`${place} answered ${answer.status}`);
  return await answer.json();
}

function stamp(json) {
  return {
    commit: typeof json.commit === 'string' ? json.commit.slice(0, 7) : 'unknown',
    date: typeof json.date === 'string' ? json.date : new Date().toISOString().slice(0, 10),
  };
}

/**
 * Entries by `provider/id`, out of models.dev's `api.json` (`{ provider: { models: { id: … } } }`) or of the extract
 * `{ date, commit, models: [{ provider, id, … }] }`.
 */
export function readModels(json) {
  const entries = Array.isArray(json.models)
    ? json.models
    : Object.entries(json).flatMap(([provider, { models }]) =>
        Object.entries(models ?? {}).map(([id, model]) => ({ ...model, id, provider })),
      );
  return {
    ...stamp(json),
    entries: new Map(entries.map((entry) => [`${entry.provider}/${entry.id}`, entry])),
  };
}

/**
 * Ratings by entry, each `[rating, lower, upper]` by category, out of arena-catalog's `leaderboard-text.json`
 * (`{ category: { entry: { rating, rating_q025, rating_q975 } } }`) or of the extract `{ date, models: { entry: … } }`.
 */
export function readRatings(json) {
  if (json.models !== undefined) return { ...stamp(json), entries: new Map(Object.entries(json.models)) };
  const entries = new Map();
  for (const category of RATING_CATEGORIES) {
    for (const [entry, { rating, rating_q025: lower, rating_q975: upper }] of Object.entries(
      json[category] ?? {},
    )) {
      entries.set(entry, { ...entries.get(entry), [category]: [rating, lower, upper].map(Math.round) });
    }
  }
  return { ...stamp(json), entries };
}

function rates(cost) {
  return {
    inputPer1M: cost.input,
    outputPer1M: cost.output,
    ...(cost.cache_read == null ? {} : { cachedInputPer1M: cost.cache_read }),
    ...(cost.cache_write == null ? {} : { cacheWritePer1M: cost.cache_write }),
  };
}

/**
 * The catalogue's form of a source's price. `context_over_200k` is an older spelling of the lowest step, whatever that
 * step's length: it counts only where `tiers` is missing, and then a person has to look ({@link hasVagueStep}).
 */
export function priceOf({ cost }) {
  if (cost?.input == null || cost.output == null) return undefined;
  const steps = (cost.tiers ?? [])
    .filter(({ tier }) => tier.type === undefined || tier.type === 'context')
    .map((step) => ({ aboveInputTokens: step.tier.size, ...rates(step) }));
  if (cost.tiers === undefined && cost.context_over_200k !== undefined) {
    steps.push({ aboveInputTokens: 200_000, ...rates(cost.context_over_200k) });
  }
  steps.sort((first, second) => first.aboveInputTokens - second.aboveInputTokens);
  return { ...rates(cost), ...(steps.length === 0 ? {} : { longContext: steps }) };
}

/** Whether a source's price rises with the length of the prompt, and it does not say from where. */
export function hasVagueStep({ cost }) {
  return cost?.tiers === undefined && cost?.context_over_200k !== undefined;
}

/** What of the capabilities the source knows, with whether it has them. */
export function capabilitiesOf(entry) {
  const input = entry.modalities?.input ?? [];
  return {
    tools: entry.tool_call === true,
    json_schema: entry.structured_output === true,
    vision: input.includes('image'),
    documents: input.includes('pdf'),
    audio: input.includes('audio'),
    reasoning: entry.reasoning === true,
  };
}
