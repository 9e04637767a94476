// One flag a process, and not one a copy of the package: the decorator may come out of another copy than the module.
const KEY = Symbol.for('nestjs-llm-router.openai-client-wanted');

interface GlobalWithWish {
  [KEY]?: true;
}

const holder = globalThis as GlobalWithWish;

/** Somebody will have the client injected. */
export function requestOpenAiClient(): void {
  holder[KEY] = true;
}

/** Whether anybody asked for the client so far. */
export function isOpenAiClientWanted(): boolean {
  return holder[KEY] === true;
}
