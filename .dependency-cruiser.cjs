/**
 * The rooms of `lib/`, row by row: a room may import the rooms of the rows below its own, never those above and never
 * its neighbours, except where `named` says so. Types count as much as values. Specs are exempt.
 *
 * A new room is put into its row here with its first file.
 */
const rows = [
  ['cli'],
  ['testing-module'],
  ['http', 'ai-sdk'],
  ['nest'],
  ['health'],
  ['router', 'background'],
  ['replay'],
  ['responses'],
  ['pipeline'],
  ['observability'],
  ['execution'],
  ['providers'],
  ['planning'],
  ['classification'],
  ['quality', 'safety', 'cost', 'signals'],
  ['storage'],
  ['telemetry'],
  ['context', 'chat', 'catalog', 'config', 'errors', 'calendar'],
];

/** Neighbours that a room of the same row may import. */
const named = {
  chat: ['errors'],
  config: ['errors', 'catalog', 'context', 'calendar'],
  router: ['background'],
};

/** What a room may import from outside the rows: the module under test, and the kit that stands alone. */
const atTheRoot = {
  'testing-module': ['^lib/testing/', '^lib/llm-router\\.module(-definition)?\\.ts$'],
};

const rooms = rows.flat();
const anyOf = (names) => `^lib/(${names.join('|')})/`;

const rowRules = rows.flatMap((row, index) => {
  const below = rows.slice(index + 1).flat();
  return row.map((room) => ({
    name: `room-${room}`,
    comment: `lib/${room} imports only the rows below it in the list of rooms (and: ${named[room]?.join(', ') ?? 'no neighbour'})`,
    severity: 'error',
    from: { path: anyOf([room]) },
    to: {
      path: '^lib/',
      pathNot: [anyOf([room, ...below, ...(named[room] ?? [])]), ...(atTheRoot[room] ?? [])],
    },
  }));
});

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...rowRules,
    {
      name: 'room-unknown',
      comment: 'a new room is put into its row in .dependency-cruiser.cjs',
      severity: 'error',
      from: { path: '^lib/[^/]+/', pathNot: anyOf([...rooms, 'testing']) },
      to: {},
    },
    {
      name: 'room-unknown',
      comment: 'a new room is put into its row in .dependency-cruiser.cjs',
      severity: 'error',
      from: {},
      to: { path: '^lib/[^/]+/', pathNot: anyOf([...rooms, 'testing']) },
    },
    {
      name: 'testing-stands-alone',
      comment: 'a fault of translation would mirror itself in the upstreams that are to show it',
      severity: 'error',
      from: { path: anyOf(['testing']) },
      to: { path: '^lib/', pathNot: anyOf(['testing', ...rows.at(-1)]) },
    },
    {
      name: 'testing-reaches-no-provider',
      comment: 'the same, by whatever way',
      severity: 'error',
      from: { path: anyOf(['testing']) },
      to: { path: anyOf(['providers']), reachable: true },
    },
    {
      name: 'testing-not-in-the-router',
      comment: 'an application that routes does not load what only its tests need',
      severity: 'error',
      from: { path: '^lib/', pathNot: [anyOf(['testing', 'testing-module']), '^lib/testing\\.ts$'] },
      to: { path: [anyOf(['testing', 'testing-module']), '^lib/testing\\.ts$'] },
    },
    {
      name: 'openai-loaded-late',
      comment: 'the client takes longer to load than all the rest: only where somebody has it injected',
      severity: 'error',
      from: { path: '^lib/' },
      to: { path: '^node_modules/openai/', dynamic: false, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-cycle',
      comment: 'a cycle of imports has no bottom',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-way-out',
      comment: 'the package holds lib/ and nothing else',
      severity: 'error',
      from: { path: '^lib/' },
      to: { path: '^(test|sample|dist|bench)/' },
    },
    {
      name: 'declared-dependency',
      comment: 'what lib/ imports is a dependency or a peer, or it is missing at the user',
      severity: 'error',
      from: { path: '^lib/' },
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown', 'unknown', 'undetermined'],
        dependencyTypesNot: ['npm', 'npm-peer'],
      },
    },
    {
      name: 'no-unresolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    // And what a browser runs, whose imports are addresses.
    exclude: { path: ['\\.spec(-support)?\\.ts$', '^lib/http/page/assets/'] },
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
