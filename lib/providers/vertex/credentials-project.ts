/** Stands in a path for the project that the credentials name. No project has this id. */
export const CREDENTIALS_PROJECT = '/projects/-/';
