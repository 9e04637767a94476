import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsIn,
  IsNotEmpty,
  IsString,
  MaxLength,
  ValidateNested,
} from 'class-validator';

/** Something that was said before. */
export class TurnDto {
  @IsIn(['user', 'assistant'])
  role!: 'user' | 'assistant';

  @IsString()
  @IsNotEmpty()
  @MaxLength(8_000)
  content!: string;
}

/** A customer's question, with the conversation so far: the server keeps none. */
export class QuestionDto {
  @IsString()
  @IsNotEmpty()
  @MaxLength(4_000)
  question!: string;

  @IsArray()
  @ArrayMaxSize(20)
  @ValidateNested({ each: true })
  @Type(() => TurnDto)
  earlier: TurnDto[] = [];
}
