/** What `response_format: json_object` comes to where a wire has no word for JSON without a schema. */
export const JSON_INSTRUCTION =
  'Answer with one valid JSON object and nothing else: no explanation, no code fence.';
