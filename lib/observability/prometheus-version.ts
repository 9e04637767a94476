/** Of this package; a test compares it with package.json, which code that may be bundled cannot read. */
export const ROUTER_VERSION = '0.1.0';
