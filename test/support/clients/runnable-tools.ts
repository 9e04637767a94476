import { type ClientToolRun, CLOCK, WEATHER } from './client-driver.interface.js';

type Input = Readonly<Record<string, unknown>>;

/** The tools as `runTools` of OpenAI's SDKs takes them; every run is noted. */
export function runnableTools(runs: ClientToolRun[]) {
  const toolOf = (
    name: string,
    description: string,
    parameters: Record<string, unknown>,
    run: (input: Input) => string,
  ) => ({
    type: 'function' as const,
    function: {
      name,
      description,
      parameters,
      parse: (text: string): Input => JSON.parse(text) as Input,
      function: (input: Input): string => {
        runs.push({ name, arguments: input });
        return run(input);
      },
    },
  });
  return [
    toolOf(
      WEATHER.name,
      WEATHER.description,
      { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
      ({ city }) => WEATHER.run(String(city)),
    ),
    toolOf(CLOCK.name, CLOCK.description, { type: 'object', properties: {} }, () => CLOCK.run()),
  ];
}
