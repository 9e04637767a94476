import type { RoutedChatStream } from 'nestjs-llm-router';

/** What the page is told, one server-sent event each. */
export interface ChatEvents {
  /** The next piece of the answer. */
  text: { readonly text: string };
  /** The answer is complete. */
  done: {
    readonly model: string | undefined;
    readonly provider: string | undefined;
    readonly finish: string;
  };
  /** It broke off. */
  failed: { readonly message: string };
}

/**
 * A routed stream as server-sent events. Until the first piece an error is thrown, so that it can still be an ordinary
 * error response; after it, it is an event.
 */
export async function* chatEvents(stream: RoutedChatStream): AsyncGenerator<string, void, undefined> {
  let hasBegun = false;
  let finish = 'stop';
  try {
    for await (const { choices } of stream) {
      const [choice] = choices;
      finish = choice?.finish_reason ?? finish;
      const text = choice?.delta.content ?? '';
      if (text === '') continue;
      yield write('text', { text });
      hasBegun = true;
    }
    yield write('done', { model: stream.routing?.model, provider: stream.routing?.provider, finish });
  } catch (error) {
    if (!hasBegun) throw error;
    yield write('failed', { message: 'The answer broke off. Please ask again.' });
  }
}

function write<Name extends keyof ChatEvents>(name: Name, data: ChatEvents[Name]): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
