import 'reflect-metadata';
import { once } from 'node:events';
import { NestFactory } from '@nestjs/core';
import { createScriptedUpstream } from 'nestjs-llm-router/testing';
import { AppModule } from './app.module';
import { optionsFor } from './options';

/** Prints its address, takes `fail` and `stop` as lines on stdin, and ends by itself when everything is closed. */
async function main(): Promise<void> {
  const upstream = await createScriptedUpstream({ api: 'openai', reply: () => ({ text: 'Paris.' }) });
  const app = await NestFactory.create(AppModule.with(optionsFor(upstream.baseUrl)));
  await app.listen(0, '127.0.0.1');
  process.stdout.write(`listening on ${await app.getUrl()}\n`);

  process.stdin.setEncoding('utf8');
  for (;;) {
    const [line] = (await once(process.stdin, 'data')) as [string];
    if (line.includes('stop')) break;
    upstream.failAlways({ kind: 'status', status: 500 });
    process.stdout.write('failing\n');
  }
  process.stdin.destroy();
  await app.close();
  await upstream.close();
  process.stdout.write('closed\n');
}

void main();
