/** `nestjs-llm-router/testing`: nothing of this is loaded by an application that routes. */
export * from './testing/index.js';
export * from './testing-module/index.js';
