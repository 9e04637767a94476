/** What to try, as lines that work when pasted into a shell. */
export function guide(url: string, tcpPort: number, isSandbox: boolean): string {
  const json = `-H 'content-type: application/json'`;
  const ticket = (text: string): string => `curl -s ${url}/tickets ${json} -d '${JSON.stringify({ text })}'`;
  return [
    '',
    `Support desk on ${url}, its triage microservice on tcp://127.0.0.1:${tcpPort}` +
      (isSandbox ? ' (sandbox: answers are simulated, no key needed)' : ''),
    '',
    '# two tickets: each is sorted by the microservice while you wait (OpenAI Agents), and queued to be summed up',
    ...(isSandbox ? ['# (the simulated models sort by a few English words)'] : []),
    ticket('My invoice is wrong'),
    ticket('The app crashes when I log in'),
    '# what the cron job does every morning at seven, now: a headline (AI SDK), and a digest for the queue',
    `curl -s -X POST ${url}/digests`,
    '# what the queue has made of the first ticket in the background (LangChain): the number is the `job` of its answer',
    `curl -s ${url}/digests/1`,
    '# who served what, by surface; health of every provider',
    `curl -s ${url}/router/kpis`,
    `curl -s ${url}/health`,
    '',
  ].join('\n');
}
