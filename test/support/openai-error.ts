import { expect } from 'vitest';

interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
}

export interface ExpectedError {
  readonly status: number;
  readonly code: string;
  /** @defaultValue not looked at */
  readonly param?: string | null;
  readonly type?: string;
  readonly message?: RegExp;
}

/** Holds an answer to OpenAI's error shape, to the letter, and gives its message. */
export function expectOpenAiError(answer: Answer, expected: ExpectedError): string {
  expect({ status: answer.status, body: answer.text }).toMatchObject({ status: expected.status });
  expect(answer.contentType).toMatch(/^application\/json/);
  const body = JSON.parse(answer.text) as { error: Record<string, unknown> };
  expect(Object.keys(body)).toEqual(['error']);
  expect(Object.keys(body.error).sort()).toEqual(['code', 'message', 'param', 'type']);
  const { message, type, param, code } = body.error;
  expect(code).toBe(expected.code);
  expect(typeof type).toBe('string');
  if (expected.type !== undefined) expect(type).toBe(expected.type);
  if (expected.param !== undefined) expect(param).toBe(expected.param);
  expect(typeof message).toBe('string');
  if (expected.message !== undefined) expect(message).toMatch(expected.message);
  // No stack, no path of ours.
  expect(answer.text).not.toMatch(/\\n\s+at |node_modules|\.[jt]s:\d/);
  return String(message);
}

export async function expectErrorResponse(response: Response, expected: ExpectedError): Promise<string> {
  const text = await response.text();
  return expectOpenAiError(
    { status: response.status, contentType: response.headers.get('content-type') ?? '', text },
    expected,
  );
}

export function expectRawError(
  answer: { status: number; headers: Readonly<Record<string, unknown>>; text: string },
  expected: ExpectedError,
): string {
  const contentType = answer.headers['content-type'];
  return expectOpenAiError(
    { ...answer, contentType: typeof contentType === 'string' ? contentType : '' },
    expected,
  );
}
