import type { VertexModel } from '../../catalog/index.js';
import { CREDENTIALS_PROJECT } from './credentials-project.js';
import type { VertexSettings } from './vertex-settings.js';

/** Where a model's answers are, below the base URL. */
export function toVertexPath(
  { publisher, model }: VertexModel,
  { project, location, isExpress }: VertexSettings,
  isStream: boolean,
): string {
  const projects = project === undefined ? CREDENTIALS_PROJECT : `/projects/${project}/`;
  const start = isExpress ? '/' : `${projects}locations/${location}/`;
  return `/v1${start}publishers/${publisher}/models/${model}:${methodOf(publisher, isStream)}`;
}

function methodOf(publisher: VertexModel['publisher'], isStream: boolean): string {
  if (publisher === 'anthropic') return isStream ? 'streamRawPredict' : 'rawPredict';
  // Without alt=sse the stream is one JSON array in pieces.
  return isStream ? 'streamGenerateContent?alt=sse' : 'generateContent';
}
