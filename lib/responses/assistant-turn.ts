import { listOf, nonEmptyTextOf, objectOf, type JsonObject } from './json-reading.js';
import { decodeReasoningInto, emptyReasoningState, type ReasoningState } from './reasoning-envelope.js';
import { refuse, requireObject, requireString } from './require-field.js';

/**
 * The output items of one assistant turn on their way to become one chat message: a provider pairs the calls of ONE
 * message with the results behind it.
 */
export class AssistantTurn {
  readonly #texts: string[] = [];
  readonly #refusals: string[] = [];
  readonly #thoughts: string[] = [];
  readonly #toolCalls: JsonObject[] = [];
  readonly #reasoning: ReasoningState = emptyReasoningState();

  /** @throws {@link InvalidRequestError} naming the part. */
  addMessage(content: unknown, path: string): void {
    if (typeof content === 'string') {
      this.#texts.push(content);
      return;
    }
    if (!Array.isArray(content)) refuse(path, 'must be a string or a list of parts');
    const texts: string[] = [];
    content.forEach((value: unknown, index) => {
      const part = requireObject(value, `${path}[${index}]`);
      if (part.type === 'refusal') {
        this.#refusals.push(requireString(part.refusal, `${path}[${index}].refusal`));
      } else if (part.type === 'output_text' || part.type === 'input_text' || part.type === 'text') {
        texts.push(requireString(part.text, `${path}[${index}].text`));
      } else {
        refuse(`${path}[${index}].type`, 'must be "output_text" or "refusal" here');
      }
    });
    if (texts.length > 0) this.#texts.push(texts.join(''));
  }

  /** @throws {@link InvalidRequestError} naming the field. */
  addToolCall(item: JsonObject, path: string): void {
    const id = requireString(item.call_id, `${path}.call_id`);
    const name = requireString(item.name, `${path}.name`);
    this.#toolCalls.push(
      item.type === 'custom_tool_call'
        ? { id, type: 'custom', custom: { name, input: requireString(item.input, `${path}.input`) } }
        : {
            id,
            type: 'function',
            function: { name, arguments: requireString(item.arguments, `${path}.arguments`) },
          },
    );
  }

  /** Thinking is optional in every respect: what cannot be read of it is left out. */
  addReasoning(item: JsonObject): void {
    for (const part of [...listOf(item.summary), ...listOf(item.content)]) {
      const text = nonEmptyTextOf(objectOf(part).text);
      if (text !== undefined) this.#thoughts.push(text);
    }
    const encrypted = nonEmptyTextOf(item.encrypted_content);
    if (encrypted !== undefined) decodeReasoningInto(this.#reasoning, encrypted);
  }

  /** Undefined where the turn has said and called nothing: thinking alone is no message. */
  toMessage(): JsonObject | undefined {
    if (this.#texts.length + this.#refusals.length + this.#toolCalls.length === 0) return undefined;
    const { details, toolCallExtras } = this.#reasoning;
    const toolCalls = this.#toolCalls.map((call) => {
      const extra = toolCallExtras.get(String(call.id));
      return extra === undefined ? call : { ...call, extra_content: extra };
    });
    return {
      role: 'assistant',
      content: this.#content(),
      ...(this.#thoughts.length === 0 ? {} : { reasoning_content: this.#thoughts.join('\n\n') }),
      ...(details.length === 0 ? {} : { reasoning_details: details }),
      ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls }),
    };
  }

  /** A refusal is said in the content, where every provider's wire has a place for it. */
  #content(): unknown {
    const text = this.#texts.join('\n\n');
    if (this.#refusals.length === 0) return this.#texts.length === 0 ? null : text;
    return [
      ...(text === '' ? [] : [{ type: 'text', text }]),
      { type: 'refusal', refusal: this.#refusals.join('\n\n') },
    ];
  }
}
