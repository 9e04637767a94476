/** What to open and to try, for whoever has just started it. */
export function guide(url: string, isSandbox: boolean): string {
  const post = (path: string, body?: object): string =>
    `curl -sN -X POST ${url}${path}` +
    (body === undefined ? '' : ` -H 'content-type: application/json' -d '${JSON.stringify(body)}'`);
  return [
    '',
    `Support desk on ${url}${isSandbox ? ' (sandbox: answers are simulated, no key needed)' : ''}`,
    'Open it in a browser and ask something.',
    '',
    '# the chat as the page sees it, and the draft of an e-mail by a cheaper model',
    post('/chat', { question: 'How do I descale the machine?' }),
    post('/drafts', { notes: 'parcel delayed by two days, we are sorry, voucher of 5 euros' }),
    ...(isSandbox
      ? [
          '# the provider that answered goes down: ask again on the page, and look at the health line; then it is well again',
          post('/sandbox/openai/down'),
          post('/chat', { question: 'How do I descale the machine?' }),
          `curl -s ${url}/health`,
          post('/sandbox/openai/up'),
        ]
      : []),
    '# how the models are',
    `curl -s ${url}/health`,
    '',
  ].join('\n');
}
