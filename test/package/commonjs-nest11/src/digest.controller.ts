import { Controller, Get } from '@nestjs/common';
import { DigestService } from './digest.service';

@Controller('digest')
export class DigestController {
  constructor(private readonly service: DigestService) {}

  @Get()
  digest(): Promise<{ answer: string | null | undefined; surface: string }> {
    return this.service.digest();
  }
}
