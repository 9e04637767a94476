import {
  BadRequestException,
  Body,
  Controller,
  Inject,
  NotFoundException,
  Param,
  Post,
} from '@nestjs/common';
import {
  everyFault,
  type Sandbox,
  type SandboxProvider,
  type UpstreamFault,
} from 'nestjs-llm-router/testing';

export const SANDBOX = Symbol('sandbox');

const FAULTS: ReadonlySet<unknown> = new Set([
  'refused',
  ...Object.values(everyFault()).map(({ kind }) => kind),
]);

/** Makes a provider of the sandbox fail, and well again: to see what callers notice of it. */
@Controller('sandbox/:provider')
export class SandboxController {
  constructor(@Inject(SANDBOX) private readonly sandbox: Sandbox) {}

  @Post('fail')
  fail(@Param('provider') provider: string, @Body() fault: unknown): { provider: string; fault: unknown } {
    const upstream = this.upstream(provider);
    if (typeof fault !== 'object' || fault === null || !('kind' in fault) || !FAULTS.has(fault.kind)) {
      throw new BadRequestException(`"kind" must be one of ${[...FAULTS].join(', ')}`);
    }
    // Whatever else is wrong with it shows in how the upstream fails; it is a sandbox.
    upstream.failAlways({ afterChunks: 2, status: 500, ...fault } as UpstreamFault);
    return { provider, fault };
  }

  @Post('heal')
  async heal(@Param('provider') provider: string): Promise<{ provider: string; fault: null }> {
    await this.upstream(provider).heal();
    return { provider, fault: null };
  }

  private upstream(provider: string): Sandbox['upstreams'][SandboxProvider] {
    const found = new Map(Object.entries(this.sandbox.upstreams)).get(provider);
    if (found === undefined) throw new NotFoundException('openai, anthropic, gemini or local');
    return found;
  }
}
