/**
 * The application's surfaces, for the compiler. Empty as shipped: any name compiles, and the boot alone refuses what is
 * not configured. Declare yours once, and a misspelt name is a compiler error wherever a surface is named. The import
 * must stand: without one a `.d.ts` file declares the whole package anew, and its other exports are gone.
 *
 * @example
 * ```ts
 * // src/llm-surfaces.d.ts
 * import 'nestjs-llm-router';
 *
 * declare module 'nestjs-llm-router' {
 *   interface LlmSurfaces {
 *     support: true;
 *     reports: true;
 *   }
 * }
 * ```
 * @publicApi
 */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- filled by the application's module augmentation
export interface LlmSurfaces {}

/**
 * The name of a surface: one of {@link LlmSurfaces}, or any while nothing is declared there.
 *
 * @publicApi
 */
export type SurfaceName = [keyof LlmSurfaces] extends [never] ? string : Extract<keyof LlmSurfaces, string>;
