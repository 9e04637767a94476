import { describe, expect, it } from 'vitest';
import { describeOptions, parseOptions } from './parse-options.js';
import { UsageError } from './usage-error.js';

const OPTIONS = {
  config: { type: 'string', value: 'FILE', help: 'what to read' },
  'min-slo': { type: 'string', multiple: true, help: 'at least' },
  json: { type: 'boolean', help: 'for machines' },
} as const;

describe('parseOptions', () => {
  it('reads values in both forms, flags, and what is given several times', () => {
    const options = parseOptions(
      ['--config', 'a.yaml', '--min-slo=95', '--min-slo', 'chat=99', '--json'],
      OPTIONS,
    );
    expect(options.required('config')).toBe('a.yaml');
    expect(options.all('min-slo')).toEqual(['95', 'chat=99']);
    expect(options.has('json')).toBe(true);
    expect(parseOptions([], OPTIONS).text('config')).toBeUndefined();
  });

  it.each([
    [['--confg', 'x'], 'There is no option --confg. Did you mean "config"?'],
    [['--constructor'], 'There is no option --constructor.'],
    [['-c'], 'There is no option -c.'],
    [['--config'], '--config needs a value: --config FILE'],
    [['--config='], '--config needs a value: --config FILE'],
    [['--config', '--json'], '--config needs a value'],
    [['--json=yes'], '--json takes no value.'],
    [['--config', 'a', '--config', 'b'], '--config is given twice.'],
    [['a.yaml'], '"a.yaml" is no option: options begin with --.'],
  ])('refuses %j', (argv, message) => {
    expect(() => parseOptions(argv, OPTIONS)).toThrow(UsageError);
    expect(() => parseOptions(argv, OPTIONS)).toThrow(message);
  });

  it('says what is missing', () => {
    expect(() => parseOptions([], OPTIONS).required('config')).toThrow('--config is required.');
  });

  it('describes every option', () => {
    const text = describeOptions(OPTIONS);
    expect(text.split('\n')).toHaveLength(3);
    expect(text).toContain('--config FILE');
  });
});
