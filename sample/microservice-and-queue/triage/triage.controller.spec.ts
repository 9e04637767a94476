import { Test, type TestingModule } from '@nestjs/testing';
import { LlmRouterTesting, LlmRouterTestingModule } from 'nestjs-llm-router/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ServedLog } from '../served-log.js';
import { TriageAgent } from './triage.agent.js';
import { TriageController } from './triage.controller.js';

describe('TriageController', () => {
  let module: TestingModule;
  let llm: LlmRouterTesting;

  beforeEach(async () => {
    module = await Test.createTestingModule({
      imports: [LlmRouterTestingModule.forRoot({ surfaces: { triage: { qualityFloor: 0.7 } } })],
      controllers: [TriageController],
      providers: [TriageAgent, ServedLog],
    }).compile();
    llm = module.get(LlmRouterTesting);
    llm.reply({ json: { category: 'bug', urgent: true } });
  });

  afterEach(() => module.close());

  it('sorts a ticket, by a model over its floor', async () => {
    const triage = await module.get(TriageController).triage({ text: 'It crashes at every start!' });
    expect(triage).toEqual({ category: 'bug', urgent: true });
    llm.expectRouted({ surface: 'triage', model: 'claude-haiku-4-5', outcome: 'succeeded', times: 1 });
  });

  it('does not notice an outage', async () => {
    llm.model('claude-haiku-4-5').failAlways('overloaded');
    const triage = await module.get(TriageController).triage({ text: 'It crashes at every start!' });
    expect(triage).toEqual({ category: 'bug', urgent: true });
    llm.expectRouted({ surface: 'triage', outcome: 'succeeded', attempts: 2 });
  });

  it('takes no answer for a triage that is none', async () => {
    llm.reply({ json: { category: 'nonsense' } });
    await expect(module.get(TriageController).triage({ text: 'Hello' })).rejects.toThrow();
  });
});
