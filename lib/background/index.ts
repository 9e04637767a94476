export { BackgroundLane, type LaneParts } from './background-lane.js';
export type { BackgroundReport } from './background-report.js';
