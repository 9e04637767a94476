import { isTimezone } from '../calendar/index.js';
import { ValidateBy } from './class-validator.js';
import { MAX_KEY_LENGTH, MAX_KEYS } from './key-limits.js';
import { didYouMean } from './suggest.js';

// A line break in a key makes every call fail, far from here: a file that ends in one, read into the environment.
const CONTROL_CHARACTER = /\p{Cc}/u;

function isName(value: unknown, maximumLength = 256): boolean {
  return (
    typeof value === 'string' &&
    value.trim() !== '' &&
    value.length <= maximumLength &&
    !CONTROL_CHARACTER.test(value)
  );
}

/** A non-empty string without control characters. */
export function IsName(maximumLength = 256): PropertyDecorator {
  return ValidateBy({
    name: 'isName',
    validator: {
      validate: (value) => isName(value, maximumLength),
      defaultMessage: () =>
        `must be a non-empty string of at most ${maximumLength} characters, without line breaks and the like`,
    },
  });
}

/** A model's name, or a list of them. */
export function IsNameOrNames(): PropertyDecorator {
  return ValidateBy({
    name: 'isNameOrNames',
    validator: {
      validate: (value) =>
        isName(value) || (Array.isArray(value) && value.length > 0 && value.every((entry) => isName(entry))),
      defaultMessage: () => "must be a model's name or a non-empty list of names",
    },
  });
}

/** A share in 0..1, or a model's name ("at least as good as"). */
export function IsFloor(): PropertyDecorator {
  return ValidateBy({
    name: 'isFloor',
    validator: {
      validate: (value) => (typeof value === 'number' && value >= 0 && value <= 1) || isName(value),
      defaultMessage: () => "must be a number from 0 to 1, or a model's name",
    },
  });
}

/** An absolute http or https URL without query or credentials. */
export function IsBaseUrl(): PropertyDecorator {
  return ValidateBy({
    name: 'isBaseUrl',
    validator: {
      validate: (value) => {
        if (typeof value !== 'string' || !URL.canParse(value)) return false;
        const url = new URL(value);
        return (
          (url.protocol === 'http:' || url.protocol === 'https:') &&
          url.username === '' &&
          url.password === '' &&
          url.search === '' &&
          url.hash === ''
        );
      },
      defaultMessage: () =>
        'must be an absolute http or https URL without user, password, query or fragment, for example "https://api.openai.com/v1"',
    },
  });
}

/** A finite number of at least `minimum`. */
export function IsAmount(minimum = 0): PropertyDecorator {
  return ValidateBy({
    name: 'isAmount',
    validator: {
      validate: (value) => typeof value === 'number' && Number.isFinite(value) && value >= minimum,
      defaultMessage: () => `must be a number of at least ${minimum}`,
    },
  });
}

/** What is counted in billionths of a dollar without a rounding. */
const MAX_DOLLARS = 9_000_000;

/** An amount of money of which something can be spent. */
export function IsDollars(): PropertyDecorator {
  return ValidateBy({
    name: 'isDollars',
    validator: {
      validate: (value) => typeof value === 'number' && value > 0 && value <= MAX_DOLLARS,
      defaultMessage: () => `must be a number of US dollars over 0 and at most ${MAX_DOLLARS}`,
    },
  });
}

/** A zone of the IANA database that the runtime knows. */
export function IsTimezone(): PropertyDecorator {
  return ValidateBy({
    name: 'isTimezone',
    validator: {
      validate: (value) => isTimezone(value),
      defaultMessage: () => 'must be the IANA name of a time zone, for example "Europe/Berlin" or "UTC"',
    },
  });
}

const CLOCK_TIME = /^(?:(?:[01]\d|2[0-3]):[0-5]\d|24:00)$/;

/** A time of day. */
export function IsClockTime(): PropertyDecorator {
  return ValidateBy({
    name: 'isClockTime',
    validator: {
      validate: (value) => typeof value === 'string' && CLOCK_TIME.test(value),
      defaultMessage: () => 'must be a time of day from "00:00" to "24:00", in quotes in YAML',
    },
  });
}

/** A share that can be exceeded: from 0 to under 1. */
export function IsShare(): PropertyDecorator {
  return ValidateBy({
    name: 'isShare',
    validator: {
      validate: (value) => typeof value === 'number' && value >= 0 && value < 1,
      defaultMessage: () => 'must be a share from 0 to under 1: 2 % is 0.02',
    },
  });
}

/** A share from 0 to 1, both included. */
export function IsShareOrAll(): PropertyDecorator {
  return ValidateBy({
    name: 'isShareOrAll',
    validator: {
      validate: (value) => typeof value === 'number' && value >= 0 && value <= 1,
      defaultMessage: () => 'must be a number from 0 to 1',
    },
  });
}

/** A whole number in a range. */
export function IsCount(minimum: number, maximum: number = Number.MAX_SAFE_INTEGER): PropertyDecorator {
  return ValidateBy({
    name: 'isCount',
    validator: {
      validate: (value) =>
        Number.isSafeInteger(value) && Number(value) >= minimum && Number(value) <= maximum,
      defaultMessage: () =>
        maximum === Number.MAX_SAFE_INTEGER
          ? `must be a whole number of at least ${minimum}`
          : `must be a whole number from ${minimum} to ${maximum}`,
    },
  });
}

/** Milliseconds, whole, at least 1 and within what a timer can hold. */
export function IsMilliseconds(): PropertyDecorator {
  return IsCount(1, 2_147_483_647);
}

/** A function, which only code can give. */
export function IsFunction(): PropertyDecorator {
  return ValidateBy({
    name: 'isFunction',
    validator: {
      validate: (value) => typeof value === 'function',
      defaultMessage: () => 'must be a function: it is given in code and cannot come out of a file',
    },
  });
}

const REGISTRY_METHODS = ['registerMetric', 'getSingleMetric', 'removeSingleMetric', 'metrics'] as const;

/** A registry of prom-client, of whichever copy of the package. */
export function IsMetricsRegistry(): PropertyDecorator {
  return ValidateBy({
    name: 'isMetricsRegistry',
    validator: {
      validate: (value) => {
        if (typeof value !== 'object' || value === null) return false;
        const registry = value as Readonly<Record<string, unknown>>;
        return (
          typeof registry.contentType === 'string' &&
          REGISTRY_METHODS.every((method) => typeof registry[method] === 'function')
        );
      },
      defaultMessage: () =>
        'must be a Registry of prom-client: it is given in code and cannot come out of a file',
    },
  });
}

/** What can be sent as a key. */
export function isKey(value: unknown): value is string {
  return isName(value, MAX_KEY_LENGTH);
}

/** A key, or a function that gives one. */
export function IsKeyOrCallback(): PropertyDecorator {
  return ValidateBy({
    name: 'isKeyOrCallback',
    validator: {
      validate: (value) => typeof value === 'function' || isKey(value),
      defaultMessage: () =>
        `must be a non-empty string of at most ${MAX_KEY_LENGTH} characters, without line breaks and the like, or in code a function that gives one`,
    },
  });
}

/** A list of keys, or a function that gives one. */
export function IsKeysOrCallback(): PropertyDecorator {
  return ValidateBy({
    name: 'isKeysOrCallback',
    validator: {
      validate: (value) =>
        typeof value === 'function' ||
        (Array.isArray(value) && value.length > 0 && value.length <= MAX_KEYS && value.every(isKey)),
      defaultMessage: () =>
        `must be a list of 1 to ${MAX_KEYS} keys (non-empty strings without line breaks and the like), or in code a function that gives one`,
    },
  });
}

export function IsFlag(): PropertyDecorator {
  return ValidateBy({
    name: 'isFlag',
    validator: {
      validate: (value) => typeof value === 'boolean',
      defaultMessage: () => 'must be true or false',
    },
  });
}

/** The end of a message: the suggestion alone, for what was written may be a key out of the environment. */
function meantAmong(values: readonly string[], written: unknown): string {
  const hint = typeof written === 'string' ? didYouMean(written.slice(0, 64), values) : '';
  return hint === '' ? '' : `.${hint}`;
}

export function IsOneOf(values: readonly string[]): PropertyDecorator {
  return ValidateBy({
    name: 'isOneOf',
    validator: {
      validate: (value) => typeof value === 'string' && values.includes(value),
      defaultMessage: (failed) =>
        `must be one of ${values.map((value) => `"${value}"`).join(', ')}${meantAmong(values, failed?.value)}`,
    },
  });
}

export function IsListOf(values: readonly string[]): PropertyDecorator {
  return ValidateBy({
    name: 'isListOf',
    validator: {
      validate: (value) =>
        Array.isArray(value) && value.every((entry) => typeof entry === 'string' && values.includes(entry)),
      defaultMessage: (failed) => {
        const entries: readonly unknown[] = Array.isArray(failed?.value) ? failed.value : [];
        const odd = entries.find((entry) => typeof entry === 'string' && !values.includes(entry));
        return `must be a list out of ${values.map((value) => `"${value}"`).join(', ')}${meantAmong(values, odd)}`;
      },
    },
  });
}

export function IsNames(): PropertyDecorator {
  return ValidateBy({
    name: 'isNames',
    validator: {
      validate: (value) => Array.isArray(value) && value.every((entry) => isName(entry)),
      defaultMessage: () => 'must be a list of names',
    },
  });
}

/** A key that is given as it is. */
export function IsKey(): PropertyDecorator {
  return ValidateBy({
    name: 'isKey',
    validator: {
      validate: isKey,
      defaultMessage: () =>
        `must be a non-empty string of at most ${MAX_KEY_LENGTH} characters, without line breaks and the like`,
    },
  });
}

/** How sure one can be: from one half on, and never all. */
export function IsConfidence(): PropertyDecorator {
  return ValidateBy({
    name: 'isConfidence',
    validator: {
      validate: (value) => typeof value === 'number' && value >= 0.5 && value <= 0.9999,
      defaultMessage: () => 'must be a share from 0.5 to 0.9999: 95 % is 0.95',
    },
  });
}

/** An absolute http or https URL; it may have a query, which often is its key. */
export function IsWebhookUrl(): PropertyDecorator {
  return ValidateBy({
    name: 'isWebhookUrl',
    validator: {
      validate: (value) => {
        if (typeof value !== 'string' || value.length > 2_048 || !URL.canParse(value)) return false;
        const { protocol, username, password, hash } = new URL(value);
        return (protocol === 'http:' || protocol === 'https:') && username + password + hash === '';
      },
      defaultMessage: () =>
        'must be an absolute http or https URL without user, password or fragment, for example "https://hooks.example.com/alerts"',
    },
  });
}
