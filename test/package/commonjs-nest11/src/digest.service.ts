import { Injectable } from '@nestjs/common';
import { RouterService, Surface } from 'nestjs-llm-router';

/** No controller: its method has the surface wherever it is called from. */
@Injectable()
export class DigestService {
  constructor(private readonly router: RouterService) {}

  @Surface('support', { workload: 'background' })
  async digest(): Promise<{ answer: string | null | undefined; surface: string }> {
    const completion = await this.router.chat({
      messages: [{ role: 'user', content: 'What is the capital of France?' }],
    });
    return { answer: completion.choices[0]?.message.content, surface: completion.routing.surface };
  }
}
