export { routerModel, type RouterLanguageModel } from './router-model.js';
