export { runCase, type CaseOutcome } from './run-case.spec-support.js';
export { loadSeeds } from './seeds.spec-support.js';
