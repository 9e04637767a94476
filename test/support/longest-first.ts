import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * What takes longest, in seconds on an idle machine. In a fresh checkout vitest knows no times and begins with the largest
 * files; one of these that comes last has the other workers wait for it.
 */
const LONG = [
  'secrets.e2e', // 17
  'microservice-and-queue-sample.e2e', // 17
  'execution-overload.e2e', // 16
  'execution-faults-express.e2e', // 15
  'execution-faults-fastify.e2e', // 15
  'rate-limit-headroom.e2e', // 14
  'execution-breaker.e2e', // 12
  'prometheus-sample.e2e', // 11
  'execution-retries.e2e', // 12
  'execution-timeouts.e2e', // 12
  'catalog-update.e2e', // 12
  'conformance', // 11
  'clients.e2e', // 10
  'operators-page.e2e', // 10
  'background-lane.e2e', // 9
  'http-body-limits.e2e', // 9
  'budgets.e2e', // 8
  'readme-types.e2e', // 7
  'train-classifier', // 7
  'execution-hedge.e2e', // 7
  'health.e2e', // 7
  'http-errors.e2e', // 7
  'testing-module.e2e', // 6
  'fuzz', // 6
  'support-desk-sample.e2e', // 5
  'surface-types.e2e', // 5
].map((name) => `/${name}-spec.ts`.replace(/(?<!\.e2e)-spec/, '.spec'));

/** Of each project the files that take long, then the others as vitest has them. */
export class LongestFirst extends BaseSequencer {
  override async sort(specifications: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(specifications);
    const projects = [...new Set(sorted.map(({ project }) => project))];
    const place = ({ moduleId }: TestSpecification): number => {
      const index = LONG.findIndex((end) => moduleId.endsWith(end));
      return index < 0 ? LONG.length : index;
    };
    return sorted.toSorted(
      (one, other) =>
        projects.indexOf(one.project) - projects.indexOf(other.project) || place(one) - place(other),
    );
  }
}
