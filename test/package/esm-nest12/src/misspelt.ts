import { type RouterService, Surface } from 'nestjs-llm-router';

/** Never called: the published types are to make these red, or this application does not compile. */
export function misspelt(router: RouterService): void {
  // @ts-expect-error -- misspelt
  Surface('suport');
  // @ts-expect-error -- misspelt
  void router.chat({ messages: [] }, { surface: 'draft' });
  // @ts-expect-error -- misspelt
  router.runWith({ surface: 'Drafts' }, () => undefined);
}
