/** What one `forFeature` brings: found by its class among the providers of all modules, before the router is made. */
export class FeatureSurfaces {
  constructor(
    /** As written; read and proven with the rest of the configuration. */
    readonly surfaces: unknown,
  ) {}
}
