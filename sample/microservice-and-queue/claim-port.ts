import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/**
 * A port of this machine that nobody listens at. Found out before the boot, whose log would bury the reason.
 *
 * @param port - The one that is wanted; 0: any.
 */
export async function claimPort(port: number): Promise<number> {
  const probe = createServer().listen({ port, host: '127.0.0.1', exclusive: true });
  await once(probe, 'listening');
  const { port: found } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return found;
}
