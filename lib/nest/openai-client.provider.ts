import type { FactoryProvider } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import type OpenAI from 'openai';
import { clientOptionsOf, RouterEngine } from '../router/index.js';
import { OPENAI_CLIENT } from './openai-client.token.js';
import { isOpenAiClientWanted } from './openai-client.wanted.js';

/** What of the client people reach for first. */
const MEMBERS = ['chat', 'models', 'responses', 'embeddings', 'completions', 'beta', 'withOptions'] as const;

/**
 * The client behind `@InjectOpenAI()`. The `openai` package is loaded only where somebody has it injected: it takes
 * longer to load than all the rest of the module.
 */
export const openAiClientProvider: FactoryProvider<OpenAI> = {
  provide: OPENAI_CLIENT,
  // Not on the service: a test may have put a stub in its place that knows of no client.
  inject: [RouterEngine, ModulesContainer],
  useFactory: async (engine: RouterEngine, modules: ModulesContainer) => {
    if (!isOpenAiClientWanted() && !isInjected(modules)) return missingClient();
    const { OpenAI: Client } = await import('openai');
    return new Client(clientOptionsOf(engine));
  },
};

/** Whether a factory of the application names the token: no decorator tells of that. */
function isInjected(modules: ModulesContainer): boolean {
  return [...modules.values()].some((module) =>
    [...module.providers.values()].some(({ inject }) =>
      inject?.some((entry) => tokenOf(entry) === OPENAI_CLIENT),
    ),
  );
}

function tokenOf(entry: unknown): unknown {
  return typeof entry === 'object' && entry !== null && 'token' in entry ? entry.token : entry;
}

/** Stands in for a client that nobody had asked for at boot. It fails where it is used, and says what to do. */
function missingClient(): OpenAI {
  const stand = {};
  for (const name of MEMBERS) {
    Object.defineProperty(stand, name, {
      get: () => {
        throw new Error(
          'The OpenAI client was not loaded: when the application started, no loaded file used @InjectOpenAI(). ' +
            'Load the file that uses it before, or use `new OpenAI(router.clientOptions())`.',
        );
      },
    });
  }
  return stand as OpenAI;
}
