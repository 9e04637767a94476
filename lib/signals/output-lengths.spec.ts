import { describe, expect, it } from 'vitest';
import { OutputLengths } from './output-lengths.js';

describe('OutputLengths', () => {
  it('knows how long answers of a class usually are, once it has seen a few', () => {
    const lengths = new OutputLengths();
    for (let answer = 0; answer < 4; answer += 1) lengths.add('simple_queries', 100);
    expect(lengths.usual('simple_queries')).toBeUndefined();
    lengths.add('simple_queries', 100);
    expect(lengths.usual('simple_queries')).toBeCloseTo(100, 6);
    expect(lengths.usual('complex_reasoning')).toBeUndefined();
  });

  it('follows a change', () => {
    const lengths = new OutputLengths();
    for (let answer = 0; answer < 500; answer += 1) lengths.add('a', 100);
    for (let answer = 0; answer < 500; answer += 1) lengths.add('a', 900);
    expect(lengths.usual('a')).toBeGreaterThan(800);
  });

  it('keeps as many classes as a configuration may have, and no more', () => {
    const lengths = new OutputLengths();
    for (let name = 0; name < 1_000; name += 1) {
      for (let answer = 0; answer < 6; answer += 1) lengths.add(`class-${name}`, 10);
    }
    expect(lengths.usual('class-255')).toBeCloseTo(10, 6);
    expect(lengths.usual('class-256')).toBeUndefined();
  });
});
