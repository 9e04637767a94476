import { Test } from '@nestjs/testing';
import { LlmRouterTesting, LlmRouterTestingModule } from 'nestjs-llm-router/testing';
import { DigestService } from './digest.service';

describe('DigestService', () => {
  it('is held to the surface of its method', async () => {
    const app = await Test.createTestingModule({
      imports: [LlmRouterTestingModule.forRoot()],
      providers: [DigestService],
    }).compile();
    const llm = app.get(LlmRouterTesting);
    llm.reply('Paris.');
    await expect(app.get(DigestService).digest()).resolves.toEqual({ answer: 'Paris.', surface: 'support' });
    expect(llm.expectRouted({ surface: 'support' })).toHaveLength(1);
    await app.close();
  });
});
