/** What to open and to try, for whoever has just started it. */
export function guide(url: string, isSandbox: boolean): string {
  const post = (path: string, body?: object): string =>
    `curl -sN -X POST ${url}${path}` +
    (body === undefined ? '' : ` -H 'content-type: application/json' -d '${JSON.stringify(body)}'`);
  const question = post('/chat', { question: 'How do I descale the machine?' });
  return [
    '',
    `Support desk on ${url}${isSandbox ? ' (sandbox: answers are simulated, no key needed)' : ''}`,
    'Open it in a browser and ask something.',
    '',
    '# the chat as the page sees it, and the draft of an e-mail by a cheaper model',
    question,
    post('/drafts', { notes: 'parcel delayed by two days, we are sorry, voucher of 5 euros' }),
    ...(isSandbox
      ? [
          '# the provider that answered goes down: ask again here or on the page; another one answers, health is degraded',
          post('/sandbox/openai/down'),
          question,
          `curl -s ${url}/health`,
          '# it is well again: with its next answer health is ok',
          post('/sandbox/openai/up'),
          question,
        ]
      : []),
    '# how the models are',
    `curl -s ${url}/health`,
    '',
  ].join('\n');
}
