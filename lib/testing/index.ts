export { createSandbox } from './sandbox.js';
export type {
  Sandbox,
  SandboxConfig,
  SandboxModelConfig,
  SandboxOptions,
  SandboxProvider,
  SandboxProviderConfig,
  SandboxRuleConfig,
  SandboxSurfaceConfig,
} from './sandbox.js';
export { createScriptedUpstream } from './scripted-upstream.js';
export type {
  CutFault,
  RefusedFault,
  ScriptedUpstream,
  ScriptedUpstreamOptions,
  StalledFault,
  StatusFault,
  StreamErrorFault,
  UpstreamApi,
  UpstreamFault,
  UpstreamFaultScript,
  UpstreamLatency,
  UpstreamLatencySetting,
  UpstreamReply,
  UpstreamRequest,
  UpstreamRequestFault,
  UpstreamScript,
  UpstreamToolChoice,
  UpstreamUsage,
} from './scripted-upstream.interface.js';
