import { ServiceUnavailableException } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LlmRouterTesting, LlmRouterTestingModule } from 'nestjs-llm-router/testing';
import { routing } from '../routing.js';
import { DraftsModule } from './drafts.module.js';
import { EmailDraftController } from './email-draft.controller.js';

/** The feature alone, with its surface out of `forFeature`, over scripted models. */
describe('e-mail drafts', () => {
  let module: TestingModule;
  let llm: LlmRouterTesting;
  let drafts: EmailDraftController;

  beforeEach(async () => {
    module = await Test.createTestingModule({
      imports: [LlmRouterTestingModule.forRoot(routing), DraftsModule],
    }).compile();
    llm = module.get(LlmRouterTesting);
    drafts = module.get(EmailDraftController);
  });

  afterEach(() => module.close());

  it('are written by the cheap model, through the client of OpenAI', async () => {
    llm.reply('Dear customer, …');
    expect(await drafts.write({ notes: 'parcel is late', tone: 'formal' })).toEqual({
      text: 'Dear customer, …',
      model: 'gpt-4.1-nano',
    });
    const [request] = llm.expectRouted({ surface: 'drafts', model: 'gpt-4.1-nano', times: 1 });
    expect(request?.costUsd).toBeLessThan(0.005);
    expect(llm.calls[0]?.lastUserText).toBe('parcel is late');
    expect(llm.calls[0]?.maxOutputTokens).toBeLessThanOrEqual(500);
  });

  it('are a plain 503 when there is nobody to write them', async () => {
    llm.failAlways('overloaded');
    await expect(drafts.write({ notes: 'parcel is late', tone: 'friendly' })).rejects.toThrow(
      ServiceUnavailableException,
    );
  });
});
