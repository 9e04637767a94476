import { applyDecorators, SetMetadata, UseInterceptors } from '@nestjs/common';
import { SurfaceInterceptor } from './surface.interceptor.js';
import { SURFACE_METADATA, type SurfaceMetadata, type SurfaceOverrides } from './surface.metadata.js';

/**
 * Names the product surface of a controller or of one handler: every router call made while it runs, however deep,
 * is held to that surface's floors, SLO and workload. The handler's wins over the controller's.
 *
 * @param name - A surface out of the configuration.
 * @example
 * ```ts
 * @Surface('support')
 * @Controller('chat')
 * export class ChatController {
 *   constructor(private readonly router: RouterService) {}
 *
 *   @Post()
 *   answer(@Body() { question }: QuestionDto) {
 *     return this.router.chat({ messages: [{ role: 'user', content: question }] });
 *   }
 *
 *   @Surface('support', { workload: 'background' })
 *   @Post('summaries')
 *   summarise() { … }
 * }
 * ```
 * @publicApi
 */
export function Surface(name: string, overrides: SurfaceOverrides = {}): ClassDecorator & MethodDecorator {
  const metadata: SurfaceMetadata = { name, overrides };
  return applyDecorators(SetMetadata(SURFACE_METADATA, metadata), UseInterceptors(SurfaceInterceptor));
}
