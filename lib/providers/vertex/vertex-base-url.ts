/** Multi-regions, whose models are at hosts of their own: `us-aiplatform.googleapis.com` has none. */
const MULTI_REGIONS: ReadonlySet<string> = new Set(['us', 'eu']);

/**
 * Where Vertex AI is for a location (Google's "Locations and endpoints"; the multi-regional hosts as the SDKs of Google
 * and Anthropic have them).
 */
export function vertexBaseUrl(location: string): string {
  if (location === 'global') return 'https://aiplatform.googleapis.com';
  return MULTI_REGIONS.has(location)
    ? `https://aiplatform.${location}.rep.googleapis.com`
    : `https://${location}-aiplatform.googleapis.com`;
}
