import { Get, Param, Post, Query, Req, Res, SetMetadata } from '@nestjs/common';
import { DecisionNotFoundError } from '../errors/decision-not-found-error.js';
import { InvalidRequestError } from '../errors/invalid-request-error.js';
import { SurfaceNotAllowedError } from '../errors/surface-not-allowed-error.js';
import { ALERT_STATES, KPI_DIMENSIONS, readKpiQuery } from '../observability/index.js';
import type { RouterEngine } from '../router/index.js';
import { BODY_ROUTE, FASTIFY_ROUTE_CONFIG } from './body-reader.js';
import { takeOver } from './exchange.js';
import { readDecisionFilter } from './decision-query.js';
import { receive } from './receive.js';
import { readCallOptions } from './request-options.js';
import { writeError, writeJson } from './responses.js';
import { RouterEngineLocator } from './router-engine-locator.js';

/** What operators look at; behind a key with `admin: true` where keys are configured. */
export class AdminController {
  constructor(private readonly locator: RouterEngineLocator) {}

  @Post('router/explain')
  @SetMetadata(FASTIFY_ROUTE_CONFIG, BODY_ROUTE)
  explain(@Req() request: unknown, @Res() reply: unknown): void {
    const exchange = takeOver(request, reply);
    try {
      const { engine, guard } = this.locator;
      const { caller, body } = receive(exchange.request, request, guard);
      if (!caller.isAdmin) throw new SurfaceNotAllowedError('This route needs a key with `admin: true`.');
      const options = readCallOptions(exchange.request, caller);
      writeJson(exchange.response, 200, engine.pipeline.explain(body, options));
    } catch (error) {
      writeError(exchange.response, error);
    }
  }

  /** With `window` or `step` those of a window; without, those since the start, all or by one dimension. */
  @Get('router/kpis')
  kpis(
    @Req() request: unknown,
    @Res() reply: unknown,
    @Query('by') by?: unknown,
    @Query('window') window?: unknown,
    @Query('step') step?: unknown,
  ): void {
    this.report(request, reply, ({ kpis }) => {
      if (window !== undefined || step !== undefined) {
        return kpis.queryInTurns(readKpiQuery({ window, by, step }));
      }
      if (by === undefined) return kpis.report();
      const dimension = KPI_DIMENSIONS.find((each) => each === by);
      if (dimension === undefined) {
        throw new InvalidRequestError(
          `\`by\` must be one of ${KPI_DIMENSIONS.join(', ')}; others, and two at once, need a \`window\`, such as 5m.`,
          'by',
        );
      }
      return kpis.reportBy(dimension);
    });
  }

  @Get('router/savings')
  savings(@Req() request: unknown, @Res() reply: unknown): void {
    this.report(request, reply, (engine) => engine.savings.report());
  }

  @Get('router/quality')
  quality(@Req() request: unknown, @Res() reply: unknown): void {
    this.report(request, reply, (engine) => engine.quality.report());
  }

  @Get('router/budgets')
  budgets(@Req() request: unknown, @Res() reply: unknown): void {
    this.report(request, reply, ({ budgets, runtime }) => budgets.report(runtime.policy.budgets));
  }

  @Get('router/background')
  background(@Req() request: unknown, @Res() reply: unknown): void {
    this.report(request, reply, ({ lane }) => lane.report());
  }

  @Get('router/alerts')
  alerts(@Req() request: unknown, @Res() reply: unknown, @Query('state') state?: unknown): void {
    this.report(request, reply, (engine) => {
      const wanted = ALERT_STATES.find((each) => each === state);
      if (state !== undefined && wanted === undefined) {
        throw new InvalidRequestError(`\`state\` must be one of ${ALERT_STATES.join(', ')}.`, 'state');
      }
      return engine.alerts.report(wanted);
    });
  }

  @Get('router/decisions')
  decisions(@Req() request: unknown, @Res() reply: unknown, @Query() query?: unknown): void {
    this.report(request, reply, ({ decisions, requestLog }) => ({
      ...decisions.list(readDecisionFilter(query)),
      requestLog: requestLog ?? null,
    }));
  }

  /**
   * For `admin` keys, and for a key with a tenant the decisions of that tenant, on the surfaces it may use. Of all others
   * it is not even told that they exist.
   */
  @Get('router/decisions/:id')
  decision(@Req() request: unknown, @Res() reply: unknown, @Param('id') id: string): void {
    const exchange = takeOver(request, reply);
    try {
      const { engine, guard } = this.locator;
      const { isAdmin, tenant, surfaces } = guard.identify(exchange.request);
      if (!isAdmin && tenant === undefined) {
        throw new SurfaceNotAllowedError('This route needs a key with `admin: true`, or one of a tenant.');
      }
      const decision = engine.decisions.find(id);
      const isTheirs =
        isAdmin || (decision?.tenant === tenant && surfaces?.includes(decision?.surface ?? '') !== false);
      if (decision === undefined || !isTheirs) throw new DecisionNotFoundError();
      writeJson(exchange.response, 200, decision, { 'cache-control': 'no-store' });
    } catch (error) {
      writeError(exchange.response, error);
    }
  }

  private report(
    request: unknown,
    reply: unknown,
    read: (engine: RouterEngine) => object | Promise<object>,
  ): void {
    const exchange = takeOver(request, reply);
    const answer = async (): Promise<void> => {
      const { engine, guard } = this.locator;
      guard.identifyAdmin(exchange.request);
      writeJson(exchange.response, 200, await read(engine), { 'cache-control': 'no-store' });
    };
    answer().catch((error: unknown) => {
      writeError(exchange.response, error);
    });
  }
}
