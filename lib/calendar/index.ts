export { instantOf, isTimezone, type LocalTime, localTimeAt } from './local-time.js';
export { type Period, periodAt, type PeriodLength } from './period.js';
