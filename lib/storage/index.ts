export { MemoryQuotaStore } from './memory-quota-store.js';
export type { Awaitable, Quota, QuotaStore, QuotaUse } from './quota-store.js';
