import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

/** What a literal says, without running the file; `rated('x')` becomes `{ rated: 'x' }`. */
function valueOf(node) {
  if (ts.isSatisfiesExpression(node) || ts.isAsExpression(node)) return valueOf(node.expression);
  if (ts.isStringLiteral(node)) return node.text;
  if (ts.isNumericLiteral(node)) return Number(node.text);
  if (node.kind === ts.SyntaxKind.TrueKeyword) return true;
  if (node.kind === ts.SyntaxKind.FalseKeyword) return false;
  if (ts.isIdentifier(node) && node.text === 'undefined') return undefined;
  if (ts.isArrayLiteralExpression(node)) return node.elements.map(valueOf);
  if (ts.isObjectLiteralExpression(node)) {
    return Object.fromEntries(node.properties.map((each) => [each.name.text, valueOf(each.initializer)]));
  }
  if (ts.isCallExpression(node) && node.expression.getText() === 'rated') {
    return { rated: valueOf(node.arguments[0]) };
  }
  throw new Error(`not a plain value: ${node.getText()}`);
}

function parse(file) {
  const text = readFileSync(file, 'utf8');
  return ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true);
}

/** The initializer of an exported constant. */
function constantOf(source, isWanted) {
  for (const statement of source.statements) {
    if (!ts.isVariableStatement(statement)) continue;
    for (const { name, initializer } of statement.declarationList.declarations) {
      if (isWanted(name.text)) return initializer;
    }
  }
  throw new Error(`${source.fileName} has no such constant`);
}

/** The catalogue's models out of `models/*.models.ts`, each with the place it is written at. */
export function readCatalogModels(directory) {
  return readdirSync(join(directory, 'models'))
    .filter((name) => name.endsWith('.models.ts'))
    .sort()
    .flatMap((name) => {
      const file = join(directory, 'models', name);
      const list = constantOf(parse(file), (constant) => constant.endsWith('_MODELS'));
      return list.elements.map((node) => ({ file, node, ...valueOf(node) }));
    });
}

export function readCitedRatings(directory) {
  return valueOf(constantOf(parse(join(directory, 'arena-ratings.ts')), (name) => name === 'ARENA_RATINGS'));
}

export function readCatalogSources(directory) {
  return valueOf(constantOf(parse(join(directory, 'sources.ts')), (name) => name === 'CATALOG_SOURCES'));
}

/** Dated ids that share a model's facts. */
export function readSnapshotNames(directory) {
  const list = constantOf(parse(join(directory, 'snapshots.ts')), (name) => name === 'MODEL_SNAPSHOTS');
  return valueOf(list).flatMap(([, names]) => names);
}

function literal(value) {
  if (value === undefined) return 'undefined';
  if (typeof value === 'string') return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 10_000) {
    return value.toLocaleString('en-US').replaceAll(',', '_');
  }
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (typeof value === 'object') {
    const entries = Object.entries(value).map(([key, each]) => `${key}: ${literal(each)}`);
    return `{ ${entries.join(', ')} }`;
  }
  return String(value);
}

/** Writes new values of some models' properties; comments and everything else stay as they are. */
export async function writeModels(changes, styleFile) {
  const edits = new Map();
  for (const { model, property, value } of changes) {
    const list = edits.get(model.file) ?? [];
    const old = model.node.properties.find((each) => each.name.text === property);
    if (old !== undefined && value === undefined) {
      // The comma after it goes along.
      list.push({ start: old.getFullStart(), end: old.getEnd() + 1, text: '' });
    } else if (old !== undefined) {
      list.push({ start: old.initializer.getStart(), end: old.initializer.getEnd(), text: literal(value) });
    } else if (value !== undefined) {
      const before = model.node.properties.find((each) => each.name.text === 'releaseDate');
      list.push({ start: before.getEnd(), end: before.getEnd(), text: `,\n${property}: ${literal(value)}` });
    }
    edits.set(model.file, list);
  }
  if (edits.size === 0) return;
  // Loaded when needed: it takes longer than all the comparing.
  const { format, resolveConfig } = await import('prettier');
  const style = await resolveConfig(styleFile);
  for (const [file, list] of edits) {
    let text = readFileSync(file, 'utf8');
    for (const { start, end, text: replacement } of list.sort(
      (first, second) => second.start - first.start,
    )) {
      text = text.slice(0, start) + replacement + text.slice(end);
    }
    writeFileSync(file, await format(text, { ...style, parser: 'typescript' }));
  }
}

/** Writes all cited ratings anew, one entry a line. */
export function writeRatings(directory, cited) {
  const file = join(directory, 'arena-ratings.ts');
  const source = parse(file);
  const node = constantOf(source, (name) => name === 'ARENA_RATINGS');
  let object = node;
  while (!ts.isObjectLiteralExpression(object)) object = object.expression;
  const lines = Object.entries(cited)
    .sort(([first], [second]) => (first < second ? -1 : 1))
    .map(([entry, ratings]) => `  ${/^[a-z]\w*$/.test(entry) ? entry : `'${entry}'`}: ${literal(ratings)},`);
  const text = source.text;
  writeFileSync(
    file,
    `${text.slice(0, object.getStart())}{\n${lines.join('\n')}\n}${text.slice(object.getEnd())}`,
  );
}

/** Writes a source's commit and date, and where given until when its new models have been dealt with. */
export function writeCatalogSource(directory, key, { commit, date, seenUntil }) {
  const file = join(directory, 'sources.ts');
  const text = readFileSync(file, 'utf8');
  const line = new RegExp(`(\\b${key}: \\{ name: '[^']*', )commit: '[^']*', date: '[^']*'`);
  if (!line.test(text)) throw new Error(`${file} has no line of ${key} to write to`);
  const written = text.replace(line, `$1commit: '${commit}', date: '${date}'`);
  writeFileSync(
    file,
    seenUntil === undefined ? written : written.replace(/\bseenUntil: '[^']*'/, `seenUntil: '${seenUntil}'`),
  );
}
