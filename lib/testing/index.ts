export { everyFault } from './every-fault.js';
export { retryAfterForms } from './retry-after-forms.js';
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
  ScriptedUpstream,
  ScriptedUpstreamOptions,
  UpstreamApi,
  UpstreamFaultScript,
  UpstreamLatency,
  UpstreamLatencySetting,
  UpstreamRateLimitSetting,
  UpstreamReply,
  UpstreamRequest,
  UpstreamScript,
  UpstreamToolChoice,
  UpstreamUsage,
} from './scripted-upstream.interface.js';
export { createTlsFailure, unresolvableBaseUrl } from './unreachable-upstream.js';
export type { TlsFailure, TlsFailureKind } from './unreachable-upstream.js';
export type {
  ContentTypeFault,
  CutEnding,
  CutFault,
  DelayFault,
  DripFault,
  ErrorInSuccessFault,
  HtmlFault,
  MalformedFault,
  OversizedFault,
  RefusedFault,
  ResetFault,
  StalledFault,
  StatusFault,
  StreamErrorFault,
  UpstreamFault,
  UpstreamRequestFault,
  UpstreamRetryAfter,
} from './upstream-fault.interface.js';
export type { UpstreamCapacity, UpstreamKeyLimit, UpstreamRateLimit } from './upstream-limits.interface.js';
