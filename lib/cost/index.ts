export { affordableOutputTokens, MIN_AFFORDABLE_OUTPUT_TOKENS } from './affordable-output.js';
export { cappedOutputTokens } from './capped-output.js';
export { costOfUsage } from './cost-of-usage.js';
export { isWithinPrice, mixedPricePer1k } from './mixed-price.js';
export { findOddPrices, type PriceContext } from './odd-prices.js';
export { priceForPrompt } from './price-for-prompt.js';
