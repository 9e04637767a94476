/** A dated version belongs to the classic API, which has the deployment in its path. */
const DATED = /^\d{4}-\d{2}-\d{2}/;

/** The month-by-month API of before, whose fields depend on the version. */
export function isDatedVersion(apiVersion: string | undefined): apiVersion is string {
  return apiVersion !== undefined && DATED.test(apiVersion);
}

/**
 * Where a deployment's chat completions, or embeddings, are, below the resource's address: the v1 API without a version or with
 * `v1` or `preview`, the classic one (`/openai/deployments/…`) with a date.
 */
export function toAzurePath(
  deployment: string,
  apiVersion: string | undefined,
  operation: 'chat/completions' | 'embeddings' = 'chat/completions',
): string {
  const query = apiVersion === undefined ? '' : `?api-version=${encodeURIComponent(apiVersion)}`;
  return isDatedVersion(apiVersion)
    ? `/openai/deployments/${encodeURIComponent(deployment)}/${operation}${query}`
    : `/openai/v1/${operation}${query}`;
}

/** Where the resource's list of models is, in either API. */
export function toAzureModelListPath(apiVersion: string | undefined): string {
  const query = apiVersion === undefined ? '' : `?api-version=${encodeURIComponent(apiVersion)}`;
  return isDatedVersion(apiVersion) ? `/openai/models${query}` : `/openai/v1/models${query}`;
}
