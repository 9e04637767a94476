import { Post, Req, Res, SetMetadata } from '@nestjs/common';
import { InvalidRequestError } from '../errors/invalid-request-error.js';
import { tenantKeyOf } from '../pipeline/index.js';
import { BODY_ROUTE, FASTIFY_ROUTE_CONFIG } from './body-reader.js';
import { takeOver } from './exchange.js';
import { receive } from './receive.js';
import { writeError, writeJson } from './responses.js';
import { RouterEngineLocator } from './router-engine-locator.js';

/** Whoever may ask may say what the answer was worth: a tenant of its own answers, an admin of all. */
export class FeedbackController {
  constructor(private readonly locator: RouterEngineLocator) {}

  @Post('router/feedback')
  @SetMetadata(FASTIFY_ROUTE_CONFIG, BODY_ROUTE)
  feedback(@Req() request: unknown, @Res() reply: unknown): void {
    const exchange = takeOver(request, reply);
    try {
      const { engine, guard } = this.locator;
      const { caller, body } = receive(exchange.request, request, guard);
      if (typeof body !== 'object' || body === null || Array.isArray(body)) {
        throw new InvalidRequestError('The body must be an object with `decision_id` and `score`.');
      }
      const { decision_id: decisionId, score } = body as Readonly<Record<string, unknown>>;
      const { tenant, keyId, surfaces, isAdmin } = caller;
      const owner = isAdmin ? undefined : tenantKeyOf({ tenant, keyId });
      const receipt = engine.answered.score(decisionId, score, owner, isAdmin ? undefined : surfaces);
      writeJson(exchange.response, 200, {
        decision_id: receipt.decisionId,
        score: receipt.score,
        is_replacement: receipt.isReplacement,
      });
    } catch (error) {
      writeError(exchange.response, error);
    }
  }
}
