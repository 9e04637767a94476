import { Controller, ValidationPipe } from '@nestjs/common';
import { MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { Surface } from 'nestjs-llm-router';
import { ServedLog } from '../served-log.js';
import { TicketDto, type Triage } from '../ticket.js';
import { TriageAgent } from './triage.agent.js';

const VALID = new ValidationPipe({
  whitelist: true,
  exceptionFactory: () => new RpcException('A ticket is { text }, of 1 to 4000 characters.'),
});

/** The microservice: somebody waits for its answer. */
@Surface('triage')
@Controller()
export class TriageController {
  constructor(
    private readonly agent: TriageAgent,
    private readonly log: ServedLog,
  ) {}

  @MessagePattern('triage')
  async triage(@Payload(VALID) { text }: TicketDto): Promise<Triage> {
    const { triage, model } = await this.agent.sort(text);
    this.log.write('triage of a ticket', model);
    return triage;
  }
}
