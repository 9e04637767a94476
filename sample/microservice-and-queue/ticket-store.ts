import { Injectable } from '@nestjs/common';
import type { Ticket, Triage } from './ticket.js';

/** As many as one digest can hold; a real application has a database. */
const KEEP = 200;

/** The tickets that no daily digest has told of yet. */
@Injectable()
export class TicketStore {
  #tickets: Ticket[] = [];
  #lastId = 0;

  add(text: string, triage: Triage): Ticket {
    this.#lastId += 1;
    const ticket: Ticket = { id: this.#lastId, text, ...triage };
    this.#tickets = [...this.#tickets, ticket].slice(-KEEP);
    return ticket;
  }

  all(): readonly Ticket[] {
    return this.#tickets;
  }

  remove(tickets: readonly Ticket[]): void {
    this.#tickets = this.#tickets.filter((ticket) => !tickets.includes(ticket));
  }
}
