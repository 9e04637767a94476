export { LlmRouterTesting } from './llm-router-testing.js';
export { LlmRouterTestingModule } from './llm-router-testing.module.js';
export type { RoutedExpectation, RoutedRequest } from './routed-requests.interface.js';
export type {
  LlmScript,
  ProviderFault,
  ReplyScript,
  ScriptedCall,
  ScriptedFault,
  ScriptedReply,
  ScriptedRequest,
} from './scripting.interface.js';
export type { DeploymentLabels, ObservedDecision } from '../telemetry/index.js';
