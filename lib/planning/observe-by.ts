import type { PolicyBaseline, PolicyModel, PolicySurface } from './policy-snapshot.js';
import type { ProofNotes } from './proof-notes.js';
import { staticRejection } from './prove-surfaces.js';

/** The model that answers while routing is only observed: the baseline, which must be there and pass every floor. */
export function observeBy(
  baseline: PolicyBaseline | undefined,
  models: ReadonlyMap<string, PolicyModel>,
  surfaces: ReadonlyMap<string, PolicySurface>,
  notes: ProofNotes,
): PolicyModel | undefined {
  if (baseline === undefined) {
    notes.error('mode', '"observe" calls the baseline for every request: set `baseline` to its name');
    return undefined;
  }
  const model = models.get(baseline.model);
  if (model === undefined) {
    notes.error(
      'mode',
      `"observe" calls the baseline for every request, and no provider serves "${baseline.model}"`,
    );
    return undefined;
  }
  for (const surface of surfaces.values()) {
    if (surface.pin !== undefined) continue;
    const rejection = staticRejection(model, surface, undefined);
    if (rejection === undefined) continue;
    notes.error(
      `surfaces.${surface.name}`,
      `the baseline ${model.name} may not serve it (${rejection}), and in mode "observe" nothing else does`,
    );
  }
  return model;
}
