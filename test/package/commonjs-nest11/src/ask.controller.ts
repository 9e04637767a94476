import { Controller, Get } from '@nestjs/common';
import { RouterService, Surface } from 'nestjs-llm-router';

@Surface('support')
@Controller('ask')
export class AskController {
  constructor(private readonly router: RouterService) {}

  @Get()
  async ask(): Promise<{ answer: string | null | undefined; model: string; surface: string }> {
    const completion = await this.router.chat({
      messages: [{ role: 'user', content: 'What is the capital of France?' }],
    });
    const { model, surface } = completion.routing;
    return { answer: completion.choices[0]?.message.content, model, surface };
  }
}
