import 'reflect-metadata';
import { guide } from './guide.js';
import { startSupportDesk } from './start.js';

async function main(): Promise<void> {
  const { PORT = '3000' } = process.env;
  if (!/^\d{1,5}$/.test(PORT) || Number(PORT) > 65_535) {
    throw new Error('PORT must be a number from 0 to 65535');
  }
  const { url, sandbox } = await startSupportDesk({ port: Number(PORT) });
  process.stdout.write(guide(url, sandbox !== undefined));
}

main().catch((error: unknown) => {
  const { code, message, port } = error as NodeJS.ErrnoException & { port?: number };
  const reason =
    code === 'EADDRINUSE'
      ? `port ${port} is taken: set PORT to another one`
      : code === 'EACCES'
        ? 'the port may not be used: set PORT to one above 1023'
        : message;
  process.stderr.write(`support-desk: ${reason}\n`);
  process.exit(1);
});
