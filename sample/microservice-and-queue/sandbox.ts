import {
  createSandbox,
  type Sandbox,
  type SandboxOptions,
  type UpstreamReply,
  type UpstreamRequest,
} from 'nestjs-llm-router/testing';
import type { Triage } from './ticket.js';

/** Simulated providers whose models sort tickets by their words, so that what they say of one makes sense. */
export async function createTicketSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const sandbox = await createSandbox(options);
  for (const upstream of Object.values(sandbox.upstreams)) upstream.setReply(simulatedReply);
  return sandbox;
}

function simulatedReply({ model, lastUserText, outputFormat }: UpstreamRequest): UpstreamReply {
  // The triage alone asks for JSON.
  if (outputFormat === 'json') return { text: JSON.stringify(triageByWords(lastUserText)) };
  return { text: `A simulated answer: no real model was asked. It stands in for ${model}.` };
}

const CATEGORIES: readonly (readonly [RegExp, Triage['category']])[] = [
  [/invoice|bill|charge|refund|paid|payment/i, 'billing'],
  [/crash|error|bug|broken|fail|cannot|can't|does not/i, 'bug'],
  [/\?|\b(how|what|when|where|why|who)\b/i, 'question'],
];
const URGENT = /crash|urgent|at once|immediately|outage/i;

function triageByWords(text: string): Triage {
  const [, category] = CATEGORIES.find(([words]) => words.test(text)) ?? [];
  return { category: category ?? 'other', urgent: URGENT.test(text) };
}
