import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { validateChatRequest } from '../chat/index.js';
import { compileCondition } from './class-condition.js';
import type { ClassificationPolicy } from './classification-policy.js';
import type { ModelCaller } from './model-caller.js';
import {
  type AskingRequest,
  type ClassifiableRequest,
  RequestClassifier,
  type Scoring,
} from './request-classifier.js';
import { extractFeatures } from './request-features.js';
import type { Calibration } from './surface-thresholds.js';

const NOBODY: ModelCaller = {
  embed: () => Promise.reject(new Error('nobody is to be asked')),
  ask: () => Promise.reject(new Error('nobody is to be asked')),
};

const POLICY: ClassificationPolicy = {
  scorer: undefined,
  calibration: undefined,
  classes: [],
  classifier: undefined,
  examples: undefined,
  judge: undefined,
};

/** A scorer that is told its score by the prompt. */
const SCORING: Scoring = {
  scorer: { score: ({ questionText }) => Number(questionText.split(' ')[0]) },
  defaultThreshold: 0.6,
};

function make(policy: Partial<ClassificationPolicy> = {}, scoring = () => SCORING) {
  const faults: string[] = [];
  const classifier = new RequestClassifier({
    scoring,
    prepareVectors: () => Promise.reject(new Error('nobody is to be asked')),
    onFault: (plugIn, kind) => faults.push(`${plugIn} ${kind}`),
  });
  const asking: AskingRequest = {
    decisionId: 'dec_1',
    models: () => NOBODY,
    signal: new AbortController().signal,
    leftMs: () => 60_000,
  };
  const asked = (content: string, surface = 'support', calibration?: Calibration): ClassifiableRequest => {
    const request = validateChatRequest({ messages: [{ role: 'user', content }] });
    return {
      request,
      features: extractFeatures(request),
      circumstances: { surface, workload: 'interactive', tenant: undefined },
      policy: { ...POLICY, ...policy },
      calibration,
      servedClasses: new Map([
        ['simple_queries', 1],
        ['complex_reasoning', 1],
        ['legal', 1],
      ]),
    };
  };
  return { classifier, asking, asked, faults };
}

describe('RequestClassifier', () => {
  it('decides at once where nobody has to be asked', () => {
    const { classifier, asking, asked } = make();
    expect(classifier.classify(asked('0.59'), asking)).toEqual({
      class: 'simple_queries',
      score: 0.59,
      by: 'scorer',
      threshold: 0.6,
    });
    expect(classifier.classify(asked('0.6'), asking)).toMatchObject({ class: 'complex_reasoning' });
  });

  it('decides at once beside a judge, where the score is far from the threshold', async () => {
    const judge = { model: 'cheap', margin: 0.1, timeoutMs: 1_000, key: 'cheap' };
    const { classifier, asking, asked, faults } = make({ judge });
    expect(classifier.classify(asked('0.49'), asking)).toMatchObject({ by: 'scorer' });
    expect(classifier.classify(asked('0.71'), asking)).toMatchObject({ by: 'scorer' });
    const near = classifier.classify(asked('0.55'), asking);
    expect(near).toBeInstanceOf(Promise);
    expect(await near).toMatchObject({ by: 'scorer', notes: ['the judge cheap said nothing of use'] });
    expect(faults).toEqual(['judge error']);
  });

  it('takes the surface’s threshold, then the policy’s, then the scorer’s', () => {
    const { classifier, asking, asked } = make({ calibration: { kind: 'threshold', value: 0.3 } });
    expect(classifier.classify(asked('0.4'), asking)).toMatchObject({
      class: 'complex_reasoning',
      threshold: 0.3,
    });
    expect(
      classifier.classify(asked('0.4', 'support', { kind: 'threshold', value: 0.5 }), asking),
    ).toMatchObject({ class: 'simple_queries', threshold: 0.5 });
  });

  it.each([
    ['no number', 'x', 0],
    ['too much', '7', 1],
    ['too little', '-7', 0],
  ])('holds a score in [0, 1]: %s', (_name, content, expected) => {
    const { classifier, asking, asked } = make();
    expect(classifier.classify(asked(content), asking)).toMatchObject({ score: expected });
  });

  it('asks classes in their order, before all others, and notes nothing of the prompt', () => {
    const classes = [
      { name: 'legal', matches: compileCondition({ words: ['law'] }) },
      { name: 'simple_queries', matches: () => true },
    ];
    const classify = (): never => {
      throw new Error('not to be asked');
    };
    const { classifier, asking, asked, faults } = make({
      classes,
      classifier: { classify, timeoutMs: 5, key: classify },
    });
    expect(classifier.classify(asked('0.9 the law'), asking)).toEqual({
      class: 'legal',
      score: 0.9,
      by: 'class',
      threshold: 0.6,
    });
    expect(classifier.classify(asked('0.9'), asking)).toMatchObject({ class: 'simple_queries', by: 'class' });
    expect(faults).toEqual([]);
  });

  it('learns from what the score decides, and from no preview', async () => {
    const share: Calibration = { kind: 'share', value: 0.5 };
    const classes = [{ name: 'legal', matches: compileCondition({ words: ['law'] }) }];
    const { classifier, asking, asked } = make({ calibration: share, classes });
    const thresholdNow = () => classifier.preview(asked('0.5')).threshold;
    for (let index = 0; index < 100; index += 1) classifier.preview(asked('0.1'));
    for (let index = 0; index < 100; index += 1) await classifier.classify(asked('0.1 law'), asking);
    expect(thresholdNow()).toBe(0.6);
    for (let index = 0; index < 100; index += 1) await classifier.classify(asked(`0.${index + 100}`), asking);
    expect(thresholdNow()).toBeGreaterThan(0.1);
    expect(thresholdNow()).toBeLessThan(0.2);
    classifier.retain(new Set(), []);
    expect(thresholdNow()).toBe(0.6);
  });

  it('forgets what was learned from another scorer', async () => {
    let scoring = SCORING;
    const { classifier, asking, asked } = make({ calibration: { kind: 'share', value: 0.5 } }, () => scoring);
    for (let index = 0; index < 100; index += 1) await classifier.classify(asked('0.1'), asking);
    expect(classifier.preview(asked('0.5')).threshold).toBe(0.1);
    scoring = { scorer: { score: () => 0.8 }, defaultThreshold: 0.7 };
    expect(classifier.preview(asked('0.5'))).toMatchObject({ score: 0.8, threshold: 0.7 });
  });

  it('keeps what was learned of the same weights, whoever reads them', async () => {
    const share: Calibration = { kind: 'share', value: 0.5 };
    const { classifier, asking, asked } = make({ calibration: share });
    const over = (content: string, key: string): ClassifiableRequest => {
      const request = asked(content);
      // Each time another object, as each reload makes one.
      const scorer = { scorer: { score: SCORING.scorer.score }, key };
      return { ...request, policy: { ...request.policy, scorer } };
    };
    for (let index = 0; index < 100; index += 1) await classifier.classify(over('0.1', 'own'), asking);
    expect(classifier.preview(over('0.5', 'own')).threshold).toBe(0.1);
    expect(classifier.preview(over('0.5', 'other')).threshold).toBe(0.6);
  });

  it('keeps a plug-in’s breaker while it is the same plug-in, and forgets it with it', async () => {
    let calls = 0;
    const classify = (): never => {
      calls += 1;
      throw new Error('x');
    };
    const { classifier, asking, asked, faults } = make();
    const over = (timeoutMs: number): ClassifiableRequest => {
      const request = asked('0.1');
      return { ...request, policy: { ...POLICY, classifier: { classify, timeoutMs, key: classify } } };
    };
    for (let index = 0; index < 30; index += 1) {
      const request = over(50);
      classifier.retain(new Set(), [request.policy]);
      await classifier.classify(request, asking);
    }
    expect(calls).toBeLessThan(30);
    expect(faults).toContain('classifier breaker_open');
    const before = calls;
    await classifier.classify(over(60), asking);
    expect(calls).toBe(before + 1);
    classifier.retain(new Set(), []);
    await classifier.classify(over(60), asking);
    expect(calls).toBe(before + 2);
  });

  it('takes a promise of a class for no answer, and lets nothing of it out', async () => {
    const rejections: unknown[] = [];
    const onRejection = (reason: unknown): void => void rejections.push(reason);
    process.on('unhandledRejection', onRejection);
    const matches = (() => Promise.reject(new Error('x'))) as unknown as () => boolean;
    const { classifier, asking, asked, faults } = make({ classes: [{ name: 'legal', matches }] });
    expect(classifier.classify(asked('0.1'), asking)).toMatchObject({ class: 'simple_queries' });
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', onRejection);
    expect(faults).toEqual(['class bad_answer']);
    expect(rejections).toEqual([]);
  });

  it('says in a preview what a request would be, wherever nobody has to be asked', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 120 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (scores, value) => {
          const { classifier, asking, asked } = make({ calibration: { kind: 'share', value } });
          for (const score of scores) {
            const request = asked(score.toFixed(6));
            const { notes, ...preview } = classifier.preview(request);
            expect(notes).toHaveLength(1);
            expect(classifier.classify(request, asking)).toEqual(preview);
          }
        },
      ),
      { numRuns: 50 },
    );
  });
});
