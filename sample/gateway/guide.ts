/** What to try, as lines that work when pasted into a shell. */
export function guide(url: string, isSandbox: boolean, wantsKey: boolean, isWatched = false): string {
  const key = wantsKey ? ` -H "authorization: Bearer $KEY"` : '';
  const post = (path: string, body: object): string =>
    `curl -sN ${url}${path}${key} -H 'content-type: application/json' -d '${JSON.stringify(body)}'`;
  const ask = (question: string, extra: object = {}): object => ({
    model: 'auto',
    messages: [{ role: 'user', content: question }],
    ...extra,
  });
  const hard = 'Prove step by step that the square root of 2 is irrational, and analyse why the proof works.';
  const simple = ask('What is the capital of France?');
  const simpleWithHeaders = post('/v1/chat/completions', simple).replace('curl -sN', 'curl -siN');
  return [
    '',
    `LLM router on ${url}${isSandbox ? ' (sandbox: answers are simulated, no key needed)' : ''}`,
    '',
    ...(isWatched
      ? [
          '# the file is watched: what you save comes into force at once; a bad one changes nothing (see the log)',
        ]
      : []),
    ...(wantsKey
      ? ['# first: export KEY=… (one of http.apiKeys; explain, KPIs and metrics want one with admin: true)']
      : []),
    '# a simple question, for a cheap and fast model',
    post('/v1/chat/completions', simple),
    '# a hard one, for a premium model; the headers say who answered and why',
    post('/v1/chat/completions', ask(hard)).replace('curl -sN', 'curl -siN'),
    '# a stream',
    post('/v1/chat/completions', ask('What is the capital of France?', { stream: true })),
    '# what would be done with a request, and why',
    post('/router/explain', ask(hard)),
    ...(isSandbox
      ? [
          '# a provider goes down: the next answer comes from another one, and health is degraded',
          post('/sandbox/openai/fail', { kind: 'refused' }),
          simpleWithHeaders,
          `curl -s ${url}/health`,
          '# it is well again: with its next answer health is ok',
          post('/sandbox/openai/heal', {}),
          simpleWithHeaders,
        ]
      : []),
    '# why the last requests went where they did, and the last five minutes by surface and model',
    `curl -s '${url}/router/decisions?limit=3'${key}`,
    `curl -s '${url}/router/kpis?window=5m&by=surface,model'${key}`,
    '# health of every provider and surface, figures, savings against the baseline, alerts, Prometheus metrics',
    `curl -s ${url}/health`,
    `curl -s ${url}/router/kpis${key}`,
    `curl -s ${url}/router/savings${key}`,
    `curl -s ${url}/router/alerts${key}`,
    `curl -s ${url}/metrics${key}`,
    `# all of it on a page, in a browser${wantsKey ? ' (any user name, the key as the password)' : ''}: ${url}/router/ui`,
    '',
  ].join('\n');
}
