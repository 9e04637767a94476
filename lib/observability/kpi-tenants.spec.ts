import { describe, expect, it } from 'vitest';
import { KpiTenants } from './kpi-tenants.js';

function tenantsOf(limit: number): { readonly tenants: KpiTenants; readonly dropped: string[] } {
  const dropped: string[] = [];
  return { tenants: new KpiTenants(limit, (tenant) => dropped.push(tenant)), dropped };
}

describe('KpiTenants', () => {
  it('names the first ones, and calls all others other', () => {
    const { tenants } = tenantsOf(2);
    expect(['a', 'b', 'c', 'a', 'other'].map((tenant) => tenants.count(tenant))).toEqual([
      'a',
      'b',
      'other',
      'a',
      'other',
    ]);
    expect(tenantsOf(0).tenants.count('a')).toBe('other');
  });

  it('gives the name of the least to one with clearly more traffic, found among thousands of strangers', () => {
    const { tenants, dropped } = tenantsOf(3);
    for (let round = 0; round < 50; round += 1) for (const name of ['a', 'b']) tenants.count(name);
    tenants.count('small');
    for (let round = 0; round < 2_000; round += 1) {
      tenants.count(`stranger-${round}`);
      if (round % 10 === 0) tenants.count('big');
    }
    expect(tenants.nameOf('big')).toBe('big');
    expect(dropped).toEqual(['small']);
    expect(['a', 'b'].map((name) => tenants.nameOf(name))).toEqual(['a', 'b']);
  });

  it('does not go back and forth between two of much the same traffic', () => {
    const { tenants, dropped } = tenantsOf(1);
    for (let round = 0; round < 20_000; round += 1) for (const name of ['a', 'b']) tenants.count(name);
    expect(dropped).toEqual([]);
  });

  it('lets go of a tenant of the past', () => {
    const { tenants, dropped } = tenantsOf(1);
    for (let round = 0; round < 5_000; round += 1) tenants.count('a');
    for (let round = 0; round < 15_000; round += 1) tenants.count('b');
    expect(dropped).toEqual(['a']);
  });

  it('drops the least where the limit is lowered', () => {
    const { tenants, dropped } = tenantsOf(3);
    for (const tenant of ['a', 'a', 'b', 'c', 'c', 'c']) tenants.count(tenant);
    tenants.follow(1);
    expect(dropped).toEqual(['b', 'a']);
    expect(tenants.count('a')).toBe('other');
  });
});
