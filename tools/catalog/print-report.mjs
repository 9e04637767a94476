function said(value) {
  return value === undefined ? 'none' : typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function section(title, lines) {
  if (lines.length === 0) return;
  console.log(`\n${title}`);
  for (const line of lines) console.log(`  ${line}`);
}

/** Prints the difference for people. */
export function printReport({ models, ratings }, { isWritten, isAll }) {
  if (models !== undefined) {
    console.log(`Models: ${models.compared} of the catalogue against ${models.place} of ${models.date}`);
    section(
      'Changed',
      models.changed.map(({ model, field, ours, theirs, meant, held }) => {
        const why = meant === undefined ? '' : ` (left: meant to differ, ${meant})`;
        return `${model} ${field}: ${said(ours)} -> ${said(theirs)}${why}${held === undefined ? '' : ' (left: odd)'}`;
      }),
    );
    section(
      'Odd prices',
      models.odd.map(({ model, says }) => `${model}: ${says}`),
    );
    section(
      'New models of the makers',
      models.added.map(
        ({ source, released, price, odd }) =>
          `${source} (${released}) ${price === undefined ? '' : `$${price.inputPer1M} in, $${price.outputPer1M} out`}${odd.length === 0 ? '' : ` ODD: ${odd.join('; ')}`}`,
      ),
    );
    section(
      'Gone from the source',
      models.gone.map(({ model, source }) => `${model} (${source})`),
    );
    section('Differences in catalog-differences.json that nothing asks for', models.stale);
    if (isAll) section('Older models the catalogue does not have', models.others);
    else if (models.others.length > 0) {
      console.log(
        `\n${models.others.length} older models of the makers are not in the catalogue (--all names them)`,
      );
    }
  }
  if (ratings !== undefined) {
    console.log(`\nRatings: ${ratings.compared} cited entries against ${ratings.place} of ${ratings.date}`);
    section(
      'Changed',
      ratings.changed.map(
        ({ entry, category, ours, theirs }) => `${entry} ${category}: ${said(ours)} -> ${said(theirs)}`,
      ),
    );
    section('Gone from the source (their ratings are of the date before: take them out)', ratings.gone);
    section('Unrated in the catalogue, but an entry of that name is rated', ratings.rateable);
  }
  const isEmpty =
    [models?.changed, models?.odd, models?.added, models?.gone, models?.stale].every(
      (list) => !list?.length,
    ) && [ratings?.changed, ratings?.gone, ratings?.rateable].every((list) => !list?.length);
  if (isEmpty) console.log('\nNo difference.');
  if (isWritten) {
    console.log('\nWritten. Look at the diff, run the tests, and mend the dates in README.md ("Sources").');
  }
}
