import { capabilitiesOf, hasVagueStep, priceOf, RATING_CATEGORIES } from './read-sources.mjs';

/** Makers whose own API has another name at models.dev. */
const PROVIDER_OF_MAKER = { amazon: 'amazon-bedrock', meta: 'llama' };
const PRICE_FIELDS = ['inputPer1M', 'outputPer1M', 'cachedInputPer1M', 'cacheWritePer1M', 'longContext'];
const CAPABILITY_ORDER = [
  'streaming',
  'tools',
  'json_schema',
  'vision',
  'documents',
  'audio',
  'reasoning',
  'logprobs',
  'embeddings',
];

const VAGUE_STEP = 'the source does not say from which length its price for long prompts holds';

const providerOf = (maker) => PROVIDER_OF_MAKER[maker] ?? maker;
const keyOf = (model) => model.source ?? `${providerOf(model.maker)}/${model.name}`;
const isSame = (first, second) => JSON.stringify(first ?? null) === JSON.stringify(second ?? null);
const isEmbedding = ({ capabilities }) => capabilities.length === 1 && capabilities[0] === 'embeddings';

/** Field by field what the catalogue says and what the source says. */
function fieldsOf(model, entry) {
  const theirs = priceOf(entry);
  const fields = PRICE_FIELDS.map((field) => [field, model.price?.[field], theirs?.[field]]);
  fields.push(
    ['family', model.family, entry.family],
    ['releaseDate', model.releaseDate, entry.release_date],
    ['deprecated', model.deprecated ?? false, entry.status === 'deprecated'],
    ['openWeights', model.openWeights ?? false, entry.open_weights === true],
    ['contextWindow', model.contextWindow, entry.limit?.context],
  );
  // Of embeddings the source gives the length of the vector for the output, and nothing of what they can do.
  if (!isEmbedding(model)) {
    fields.push(['maxOutputTokens', model.maxOutputTokens, entry.limit?.output]);
    for (const [capability, has] of Object.entries(capabilitiesOf(entry))) {
      fields.push([capability, model.capabilities.includes(capability), has]);
    }
  }
  return fields;
}

/** The properties to write so that a model says what the source does, in the fields named. */
function rewritten(model, changes) {
  const values = {};
  for (const { field, theirs } of changes) {
    if (PRICE_FIELDS.includes(field)) {
      values.price ??= { ...model.price };
      values.price[field] = theirs;
    } else if (CAPABILITY_ORDER.includes(field)) {
      const has = new Set(values.capabilities ?? model.capabilities);
      if (theirs) has.add(field);
      else has.delete(field);
      values.capabilities = CAPABILITY_ORDER.filter((each) => has.has(each));
    } else {
      values[field] = theirs === false ? undefined : theirs;
    }
  }
  if (values.price !== undefined) {
    values.price = Object.fromEntries(
      PRICE_FIELDS.filter((field) => values.price[field] !== undefined).map((field) => [
        field,
        values.price[field],
      ]),
    );
  }
  return Object.entries(values).map(([property, value]) => ({ model, property, value }));
}

/**
 * Holds the catalogue against models.dev.
 *
 * @param known - `models`, `snapshots` (names), `since` (until when new models have been dealt with), and `differences`:
 * what is meant to differ, by `model.field`, each with the value the source had when it was decided; and what is left
 * out, by the source's `provider/id`.
 */
export function compareModels({ models, snapshots, since, differences }, source, findOddPrices) {
  const changed = [];
  const gone = [];
  const odd = [];
  const toWrite = [];
  const used = new Set();
  for (const model of models) {
    const key = keyOf(model);
    used.add(key);
    if (model.source === 'hosts') continue;
    const entry = source.entries.get(key);
    if (entry === undefined) {
      gone.push({ model: model.name, source: key });
      continue;
    }
    const changes = [];
    const meant = {};
    for (const [field, ours, theirs] of fieldsOf(model, entry)) {
      const difference = differences[`${model.name}.${field}`];
      if (difference !== undefined) {
        used.add(`${model.name}.${field}`);
        meant[field] = ours;
        if (isSame(difference.source, theirs)) continue;
        // Somebody decided on another value of the source: it is theirs to decide again.
        changed.push({ model: model.name, field, ours, theirs, meant: difference.reason });
      } else if (!isSame(ours, theirs)) {
        changes.push({ field, ours, theirs });
      }
    }
    const words = oddWords(model, entry, changes, meant, findOddPrices);
    odd.push(...words.map((says) => ({ model: model.name, says })));
    const isWritable = ({ field }) => words.length === 0 || !PRICE_FIELDS.includes(field);
    changed.push(
      ...changes.map((change) => ({
        model: model.name,
        ...change,
        ...(isWritable(change) ? {} : { held: 'odd' }),
      })),
    );
    toWrite.push(...rewritten(model, changes.filter(isWritable)));
  }
  const leftOut = Object.keys(differences).filter((name) => source.entries.has(name));
  for (const key of leftOut) used.add(key);
  return {
    changed,
    gone,
    odd,
    stale: Object.keys(differences).filter((name) => !used.has(name)),
    ...foundNew(models, snapshots, since, source, used, findOddPrices),
    toWrite,
  };
}

/** Why the source's price of a model is nothing to write down unseen. */
function oddWords(model, entry, changes, meant, findOddPrices) {
  const isChanged = (...fields) => changes.some(({ field }) => fields.includes(field));
  const price = priceOf(entry);
  if (price === undefined) return isChanged(...PRICE_FIELDS) ? ['the source has no price of it'] : [];
  const asWritten = Object.entries({ ...price, ...meant }).filter(
    ([field, value]) => PRICE_FIELDS.includes(field) && value !== undefined,
  );
  const words = findOddPrices(Object.fromEntries(asWritten), {
    listPrice: model.price,
    isEmbedding: isEmbedding(model),
    isPaid: true,
  });
  return hasVagueStep(entry) && isChanged('longContext') ? [...words, VAGUE_STEP] : words;
}

/** Models of the catalogue's makers that it does not have: those younger than its facts, and how many others. */
function foundNew(models, snapshots, since, source, used, findOddPrices) {
  const providers = new Set(models.map(({ maker }) => providerOf(maker)));
  const names = new Set([...models.map(({ name }) => name), ...snapshots]);
  const added = [];
  const others = [];
  for (const [key, entry] of source.entries) {
    const isText = (entry.modalities?.output ?? ['text']).every((output) => output === 'text');
    const isKnown = used.has(key) || names.has(entry.id);
    // Bedrock sells many makers' models; Amazon's own begin with its name.
    const isForeign = entry.provider === 'amazon-bedrock' && !entry.id.startsWith('amazon.');
    if (!providers.has(entry.provider) || !isText || isKnown || isForeign || entry.status === 'deprecated') {
      continue;
    }
    if (entry.release_date <= since) {
      others.push(key);
      continue;
    }
    const price = priceOf(entry);
    const words = price === undefined ? ['no price'] : findOddPrices(price, { isPaid: true });
    if (hasVagueStep(entry)) words.push(VAGUE_STEP);
    added.push({ source: key, released: entry.release_date, price, odd: words });
  }
  return { added, others };
}

/** Holds the ratings the catalogue cites against the arena's. */
export function compareRatings({ models, cited }, source) {
  const changed = [];
  const gone = [];
  const next = {};
  for (const [entry, ours] of Object.entries(cited)) {
    const found = source.entries.get(entry);
    const theirs = RATING_CATEGORIES.map((category) => found?.[category]);
    if (theirs.some((rating) => rating === undefined)) {
      gone.push(entry);
      next[entry] = ours;
      continue;
    }
    next[entry] = theirs;
    RATING_CATEGORIES.forEach((category, index) => {
      if (!isSame(ours[index], theirs[index])) {
        changed.push({ entry, category, ours: ours[index], theirs: theirs[index] });
      }
    });
  }
  const unrated = models.filter(({ name, rating }) => rating === undefined && source.entries.has(name));
  return { changed, gone, rateable: unrated.map(({ name }) => name), next };
}
