/** What differs on the wire between generations of Claude. */
export interface AnthropicModelTraits {
  /** Thinking is asked for by `thinking: adaptive` and `output_config.effort`, not by a budget. */
  readonly hasAdaptiveThinking: boolean;
  /** Has the effort `xhigh` between `high` and `max`. */
  readonly hasExtraHighEffort: boolean;
  /** Answers by a JSON schema in `output_config.format`. */
  readonly hasStructuredOutputs: boolean;
  /** `temperature` and `top_p` are refused with a 400. */
  readonly refusesSampling: boolean;
  /** `temperature` and `top_p` are refused together. */
  readonly refusesTemperatureWithTopP: boolean;
}

/**
 * Reads the generation out of the name (`claude-opus-4-8`, `claude-3-7-sonnet-20250219`, `claude-opus-5`). A name
 * that says nothing is taken for an older model, which understands the older forms.
 *
 * Claude 4.5 brought structured outputs; 4.6 brought adaptive thinking and deprecated budgets; 4.7 removed budgets and sampling parameters
 * (`"thinking.type.enabled" is not supported for this model`; 400 for any temperature or top_p).
 */
export function anthropicModelTraits(model: string): AnthropicModelTraits {
  const version = generationOf(model);
  return {
    hasAdaptiveThinking: version >= 4.06,
    hasExtraHighEffort: version >= 4.07,
    hasStructuredOutputs: version >= 4.05,
    refusesSampling: version >= 4.07,
    refusesTemperatureWithTopP: version >= 4.01,
  };
}

/** Major version plus hundredths for the minor: 4.08 for `claude-opus-4-8`; 0 where none is to be found. */
function generationOf(model: string): number {
  // The minor has one or two digits: eight are a date.
  const match = /claude-(?:[a-z]+-)?(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)/.exec(model);
  return match === null ? 0 : Number(match[1]) + Number(match[2] ?? 0) / 100;
}
