import { Controller, HttpCode, Inject, NotFoundException, Param, Post } from '@nestjs/common';
import type { Sandbox, ScriptedUpstream } from 'nestjs-llm-router/testing';

export const SANDBOX = Symbol('sandbox');

/** Takes a simulated provider down and brings it back: to see that nobody in front of the page notices. */
@Controller('sandbox/:provider')
export class SandboxController {
  constructor(@Inject(SANDBOX) private readonly sandbox: Sandbox) {}

  @Post('down')
  @HttpCode(200)
  takeDown(@Param('provider') provider: string): { provider: string; is: string } {
    this.upstream(provider).failAlways({ kind: 'refused' });
    return { provider, is: 'down' };
  }

  @Post('up')
  @HttpCode(200)
  async bringUp(@Param('provider') provider: string): Promise<{ provider: string; is: string }> {
    await this.upstream(provider).heal();
    return { provider, is: 'up' };
  }

  private upstream(provider: string): ScriptedUpstream {
    const found = new Map<string, ScriptedUpstream>(Object.entries(this.sandbox.upstreams)).get(provider);
    if (found === undefined) throw new NotFoundException('openai, anthropic or gemini');
    return found;
  }
}
