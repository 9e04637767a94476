import { agentsDriver } from './agents.driver.js';
import { aiSdkCompatibleDriver } from './ai-sdk-compatible.driver.js';
import { aiSdkOpenAiDriver } from './ai-sdk-openai.driver.js';
import type { ClientDriver } from './client-driver.interface.js';
import { langChainDriver } from './langchain.driver.js';
import { openAi4Driver } from './openai-4.driver.js';
import { openAi6Driver } from './openai-6.driver.js';

export * from './client-driver.interface.js';

export const CLIENT_DRIVERS: readonly ClientDriver[] = [
  openAi6Driver,
  openAi4Driver,
  aiSdkOpenAiDriver,
  aiSdkCompatibleDriver,
  langChainDriver,
  agentsDriver,
];
