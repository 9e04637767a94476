import { KPI_ROW_DIMENSIONS, type KpiRowDimension } from './kpi-query.js';

/** What one cell counts. Dropped tenants are renamed, so that old slices show them where they belong now. */
export type KpiCellKey = Record<KpiRowDimension, string>;

/** No surface, tenant, or nothing that served. */
export const NONE = 'none';
/** All tenants that are not counted by name. */
export const OTHER = 'other';

/** The same for keys of the same names. */
export function textOf(key: KpiCellKey): string {
  let text = '';
  for (const dimension of KPI_ROW_DIMENSIONS) text += `${key[dimension]}\u0000`;
  return text;
}

/** The text that stands for the values of some dimensions. */
export function joinKey(key: KpiCellKey, dimensions: readonly KpiRowDimension[]): string {
  const [first, second] = dimensions;
  if (first === undefined) return '';
  return second === undefined ? key[first] : `${key[first]}\u0000${key[second]}`;
}
