import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quickestMicroseconds, quickestMs } from '../../test/support/quickest.js';
import { validateChatRequest } from '../chat/index.js';
import { extractFeatures } from './request-features.js';
import { RulesClassifier } from './rules-classifier.js';

/** Everyday prompts as people type them, judged by a person: does it need a strong model? */
interface JudgedPrompt {
  readonly hard: boolean;
  readonly prompt: string;
}

const simple = (...prompts: string[]): JudgedPrompt[] => prompts.map((prompt) => ({ hard: false, prompt }));
const hard = (...prompts: string[]): JudgedPrompt[] => prompts.map((prompt) => ({ hard: true, prompt }));

/** The classifier was tuned with these in view. */
const TUNING_PROMPTS: readonly JudgedPrompt[] = [
  ...simple(
    'Hello there!',
    'hey, how are you doing today?',
    'Thanks a lot, that worked.',
    'ok cool',
    'What is the capital of Portugal?',
    'Who wrote Pride and Prejudice?',
    'When did the Berlin Wall fall?',
    'How many ounces are in a cup?',
    'What time do you open on Sundays?',
    'Translate "where is the train station" into Italian.',
    'Translate this to German: The meeting has been moved to Thursday afternoon because Anna is ill.',
    'Fix the spelling in this sentence: I recieved teh pacakge yesterday.',
    'Make this sound more polite: send me the file now.',
    'Shorten this to one line: We would like to let you know that our offices will stay closed on Monday.',
    'Give me a synonym for happy.',
    'Define "ephemeral".',
    'What does HTTP stand for?',
    'Convert 72 Fahrenheit to Celsius.',
    'What is 15% of 80?',
    'How do I reset my password?',
    'Where can I see my invoices?',
    'I would like to cancel my subscription.',
    'Write a subject line for an email about a team lunch.',
    'Suggest a name for a small grey cat.',
    'List five fruits that are rich in vitamin C.',
    'Summarize in one sentence: The committee met on Tuesday and agreed to paint the fence green next spring.',
    'Extract the email address from: contact Jo at jo@example.com for details.',
    'Is this review positive or negative? "The soup was cold and the waiter rude."',
    'Put these names in alphabetical order: Zoe, Adam, Mia, Ben.',
    'Tell me a joke about dogs.',
  ),
  ...hard(
    'Prove that the square root of 2 is irrational.',
    'Prove by induction that the sum of the first n odd numbers is n squared.',
    'Show that every finite group of prime order is cyclic.',
    'Design a rate limiter for an API that runs in three regions and must survive the loss of one.',
    'Design the database schema for a hospital appointment system, and explain the trade-offs you made.',
    'Compare event sourcing with a classic relational model for an order system with heavy reporting needs.',
    'Our Postgres query got ten times slower after the upgrade. Here is the plan. What is the root cause and how do we fix it?',
    'Why does this code deadlock when two workers call transfer() at the same time?',
    'Debug this: my React component re-renders forever as soon as I add the useEffect hook.',
    'Refactor this 300-line function into smaller units without changing its behaviour, and explain each step.',
    'Implement an LRU cache in TypeScript with O(1) get and put, with tests.',
    'Write a Python script that parses a 10 GB log file and reports the top ten endpoints by p99 latency.',
    'Find the bug in this code:\n```js\nfor (var i = 0; i < 3; i++) { setTimeout(() => console.log(i), 10); }\n```',
    'Explain step by step how the TLS 1.3 handshake protects against replay attacks.',
    'Analyze the causes of the 2008 financial crisis and weigh the role of regulators against that of the banks.',
    'Evaluate whether we should move our monolith to microservices, given a team of eight and 40 deploys a month.',
    'Draft a migration plan from MySQL to Postgres with no downtime for a 2 TB database.',
    'A train leaves A at 60 km/h, another leaves B, 300 km away, at 90 km/h an hour later. When and where do they meet? Show your work.',
    'Solve the differential equation y" + 4y = sin(2x) with y(0) = 0 and y\'(0) = 1.',
    'Find the eigenvalues of the matrix [[2, 1], [1, 3]] and interpret them geometrically.',
    'What is the probability that among 23 people two share a birthday? Derive the formula.',
    'Critique the argument in this essay, identify its hidden assumptions and suggest counterarguments.',
    'Develop a pricing strategy for a B2B analytics product that enters a market with two strong incumbents.',
    'Review this contract clause for risks to the tenant and propose alternative wording for each.',
    'What are the implications of the GDPR for a hospital that wants to train a model on patient records in the cloud?',
    'Optimize this SQL query, which joins five tables and takes 40 seconds, and justify each index that you add.',
    'Write a detailed business plan for a bakery, with a three-year cash flow forecast and the assumptions behind it.',
    'Given a list of intervals, give an algorithm that merges the overlapping ones and analyze its time complexity.',
    'Our churn rose from 3% to 5% in a quarter while sign-ups doubled. What hypotheses would explain it, and how would you test each?',
    'Explain why quicksort is O(n log n) on average but O(n^2) in the worst case, and how to avoid that.',
  ),
];

/** Written before any tuning and looked at once, after it. */
const HELD_OUT_PROMPTS: readonly JudgedPrompt[] = [
  ...simple(
    'Good morning!',
    'thank you so much, have a nice weekend',
    'yes please',
    'What is the tallest mountain in Europe?',
    'Who is the current CEO of Microsoft?',
    'How do you say "good luck" in Japanese?',
    'Please translate the following into French: Our shop is closed on public holidays.',
    "Correct the grammar: She don't like apples.",
    'Rewrite this in a friendlier tone: Your payment is late.',
    'How many days are there in February 2028?',
    'What colour do you get when you mix blue and yellow?',
    'Can I return an item after 30 days?',
    'Where is my order?',
    'Write a short birthday message for my sister.',
    'Give me three hashtags for a photo of a sunset.',
    'Turn this into a bulleted list: milk, eggs, bread and butter.',
    'What is the plural of "cactus"?',
    'Convert 5 miles to kilometres.',
    'Which language is this: "Jak se máš?"',
    'Pick a random number between 1 and 10.',
  ),
  ...hard(
    'Prove that there are infinitely many primes.',
    'Let f be continuous on [0,1] with f(0) = f(1). Show that there is an x with f(x) = f(x + 1/2).',
    'Design an architecture for a chat application that serves ten million concurrent users.',
    'How would you structure a multi-tenant SaaS so that one tenant cannot starve the others?',
    'Here is a stack trace from production. Work out why the connection pool is exhausted and how to prevent it.',
    'My Kubernetes pods are OOM-killed every few hours although the heap looks stable. How do I find the leak?',
    'Implement a thread-safe bounded queue in Java without using java.util.concurrent.',
    'Write a recursive descent parser for arithmetic expressions in Rust, with error recovery.',
    'Compare the monetary policies of the Fed and the ECB since 2020 and assess their effects on inflation.',
    'Analyse this quarterly report and tell me which three risks the management plays down.',
    'Should a company with 50 employees self-host its own LLM or buy an API? Build a cost model with your assumptions.',
    'Explain how Raft reaches consensus when the leader crashes in the middle of replicating an entry.',
    'A bag holds 5 red and 7 blue balls; three are drawn without replacement. What is the expected number of red ones, and the variance?',
    'Compute the integral of x^2 * e^x from 0 to 1 and explain each step.',
    'Write an essay that argues both sides of universal basic income and comes to a reasoned conclusion.',
    'Convert this callback-based Node.js module to async/await, keep its error semantics and add unit tests.',
    'Find the flaw in this proof that all horses have the same colour.',
    'Plan a 12-week training programme for a first marathon for somebody with a knee injury, with the reasoning behind each phase.',
    'Our A/B test shows a 2% lift with p = 0.04 after we peeked five times. Can we trust it? Why or why not?',
    'Propose an experiment design to measure whether remote work changes productivity, and discuss its confounders.',
  ),
];

const classifier = new RulesClassifier();

function classify(prompt: string) {
  const request = validateChatRequest({ messages: [{ role: 'user', content: prompt }] });
  return classifier.classify(extractFeatures(request));
}

function judge(prompts: readonly JudgedPrompt[]): { share: number; wrong: string[] } {
  const wrong = prompts
    .map(({ prompt, hard }) => ({ prompt, hard, ...classify(prompt) }))
    .filter(({ hard, class: found }) => hard !== (found === 'complex_reasoning'))
    .map(({ prompt, hard, score }) => `${hard ? 'hard' : 'simple'} ${score.toFixed(2)} ${prompt}`);
  return { share: 1 - wrong.length / prompts.length, wrong };
}

describe('RulesClassifier', () => {
  it.each([
    ['prompts it was tuned with', TUNING_PROMPTS, 0.9],
    ['prompts it was not tuned with', HELD_OUT_PROMPTS, 0.9],
  ])('judges everyday prompts as a person does: %s', (name, prompts, least) => {
    const { share, wrong } = judge(prompts);
    console.info(`classifier, ${name}: ${(100 * share).toFixed(1)} % of ${prompts.length}`);
    expect(share, wrong.join('\n')).toBeGreaterThanOrEqual(least);
  });

  it('gives a score in [0, 1], of the class it says, for any text and any request', () => {
    const anything = fc.record({
      content: fc.oneof(fc.string({ unit: 'binary', maxLength: 400 }), fc.lorem({ maxCount: 200 })),
      turns: fc.nat(3),
      tools: fc.nat(128),
    });
    fc.assert(
      fc.property(anything, ({ content, turns, tools }) => {
        const request = validateChatRequest({
          messages: [
            ...Array.from({ length: turns }, () => ({ role: 'assistant', content: 'x' })),
            { role: 'user', content },
          ],
          tools: Array.from({ length: tools }, (_, index) => ({
            type: 'function',
            function: { name: `tool_${index}` },
          })),
        });
        const { class: found, score } = classifier.classify(extractFeatures(request));
        expect(score).toBeGreaterThanOrEqual(0);
        expect(score).toBeLessThanOrEqual(1);
        expect(found).toBe(score >= 0.5 ? 'complex_reasoning' : 'simple_queries');
      }),
      { numRuns: 150 },
    );
  });

  it('does not care for case, outer white space or politeness', () => {
    for (const { prompt } of TUNING_PROMPTS) {
      const { class: found } = classify(prompt);
      expect(classify(`  ${prompt}\n`).class, prompt).toBe(found);
    }
    expect(classify('PROVE THAT THERE IS NO LARGEST PRIME.').class).toBe('complex_reasoning');
    expect(classify('Hi! Please prove that there is no largest prime.').class).toBe('complex_reasoning');
    expect(classify('Hello, could you tell me the capital of Peru please?').class).toBe('simple_queries');
  });

  it('is not made simple by a long pasted text before the task, nor hard by length alone', () => {
    const filler = 'The weather was fine and the people went for a walk along the river. ';
    expect(classify(`${filler.repeat(40)}\n\nProve that the claim above is wrong, step by step.`).class).toBe(
      'complex_reasoning',
    );
    expect(classify(`Translate into Spanish: ${filler.repeat(4)}`).class).toBe('simple_queries');
  });

  it('judges only the last user turn', () => {
    const last = 'Thanks!';
    const features = extractFeatures(
      validateChatRequest({
        messages: [
          { role: 'user', content: 'Prove the theorem step by step and analyze its implications.' },
          { role: 'assistant', content: 'Proof by induction ...' },
          { role: 'user', content: last },
        ],
      }),
    );
    expect(features.questionText).toBe(last);
    expect(classifier.classify(features).class).toBe('simple_queries');
  });

  it('takes under 1 ms on average at 4 KB', () => {
    const text =
      'The migration must not lose a row, so we compare both tables (a = b) and log what differs.\n'
        .repeat(50)
        .slice(0, 4096);
    const features = extractFeatures(validateChatRequest({ messages: [{ role: 'user', content: text }] }));
    const average = quickestMicroseconds(1_000, 400, () => classifier.classify(features));
    console.info(`classifier at 4 KB: ${average.toFixed(0)} us`);
    expect(average).toBeLessThan(1_000);
  });

  // White space, digits, openers and near-misses are what makes a pattern backtrack.
  it.each([
    ['newlines', '\n'],
    ['spaces', ' '],
    ['digits', '1'],
    ['list bullets', '- '],
    ['an unfinished keyword', 'function '],
    ['backticks', '`'],
    ['letters', 'a'],
    ['step by', 'step by '],
    ['windows line ends', '\r\n'],
    ['operators', '<=>'],
  ])('stays quick on the longest text it reads, all %s', (_name, piece) => {
    const content = piece.repeat(Math.ceil(1_000_000 / piece.length));
    const features = extractFeatures(validateChatRequest({ messages: [{ role: 'user', content }] }));
    expect(quickestMs(5, () => classifier.classify(features))).toBeLessThan(5);
  });
});
