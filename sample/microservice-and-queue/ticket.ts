import { IsNotEmpty, IsString, MaxLength } from 'class-validator';
import { z } from 'zod';

export class TicketDto {
  @IsString()
  @IsNotEmpty()
  @MaxLength(4000)
  text!: string;
}

/** What the triage says of a ticket. */
export const TRIAGE = z.object({
  category: z.enum(['billing', 'bug', 'question', 'other']),
  urgent: z.boolean(),
});

export type Triage = z.infer<typeof TRIAGE>;

export interface Ticket extends Triage {
  readonly id: number;
  readonly text: string;
}
