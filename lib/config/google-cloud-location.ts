/** `global`, a region (`europe-west4`) or a multi-region (`eu`). It becomes part of a host name. */
export const GOOGLE_CLOUD_LOCATION = /^[a-z][a-z0-9-]{0,62}$/;
