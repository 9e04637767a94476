export { LiveSignals, type LiveDeployment } from './live-signals.js';
