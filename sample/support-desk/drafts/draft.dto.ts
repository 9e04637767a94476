import { IsIn, IsNotEmpty, IsString, MaxLength } from 'class-validator';

export const TONES = ['friendly', 'formal'] as const;

/** What the e-mail is to say, in a few words. */
export class DraftDto {
  @IsString()
  @IsNotEmpty()
  @MaxLength(2_000)
  notes!: string;

  @IsIn(TONES)
  tone: (typeof TONES)[number] = 'friendly';
}
