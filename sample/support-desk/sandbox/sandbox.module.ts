import { type DynamicModule, Module, type Type } from '@nestjs/common';
import type { Sandbox } from 'nestjs-llm-router/testing';
import { SANDBOX, SandboxController } from './sandbox.controller.js';

/** The application as it is, and routes that make its simulated providers fail. */
@Module({})
export class SandboxModule {
  static around(app: Type, sandbox: Sandbox): DynamicModule {
    return {
      module: SandboxModule,
      imports: [app],
      controllers: [SandboxController],
      providers: [{ provide: SANDBOX, useValue: sandbox }],
    };
  }
}
