/** A project's id, an old one with its domain (`example.com:name`), or its number. */
export const GOOGLE_CLOUD_PROJECT = /^[a-z0-9][a-z0-9.:-]{0,127}$/;
