import { Injectable } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { ALERT_SEVERITIES, type Alert, type AlertChange } from '../telemetry/index.js';
import { methodsOf } from './methods-of.js';
import { ON_LLM_ALERT_METADATA, type OnLlmAlertOptions } from './on-llm-alert.decorator.js';

/** A method with `@OnLlmAlert` and what it is called on. */
export interface DeclaredAlertHandler {
  readonly options: OnLlmAlertOptions;
  /** `Pager.page`. */
  readonly where: string;
  /** Undefined: there is no one instance to call it on. */
  readonly call: ((alert: Alert, change: AlertChange) => unknown) | undefined;
}

/** Finds every `@OnLlmAlert` of the application's controllers and providers. */
@Injectable()
export class OnLlmAlertExplorer {
  constructor(private readonly discovery: DiscoveryService) {}

  /** Each method of each instance once, however many names it is injected by. */
  find(): DeclaredAlertHandler[] {
    const found: DeclaredAlertHandler[] = [];
    const seen = new Set<unknown>();
    for (const wrapper of [...this.discovery.getControllers(), ...this.discovery.getProviders()]) {
      const isStatic = wrapper.isDependencyTreeStatic() && !wrapper.isTransient;
      const instance: unknown = isStatic ? wrapper.instance : undefined;
      const type: unknown = wrapper.metatype;
      const holder = isObject(instance) ? prototypeOf(instance) : prototypeOfClass(type);
      const target = isObject(instance) ? instance : type;
      if (holder === undefined || seen.has(target)) continue;
      seen.add(target);
      for (const [key, { method }] of methodsOf(holder)) {
        const options = Reflect.getMetadata(ON_LLM_ALERT_METADATA, method) as OnLlmAlertOptions | undefined;
        if (options === undefined) continue;
        const where = `${nameOf(holder)}.${String(key)}`;
        const call = isObject(instance)
          ? (alert: Alert, change: AlertChange) => method.call(instance, alert, change)
          : undefined;
        found.push({ options, where, call });
      }
    }
    return found;
  }
}

/** Whether a handler with these options is to hear of it. */
export function isHeard({ kinds, severity = 'warning' }: OnLlmAlertOptions, alert: Alert): boolean {
  if (kinds?.includes(alert.kind) === false) return false;
  return ALERT_SEVERITIES.indexOf(alert.severity) >= ALERT_SEVERITIES.indexOf(severity);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function prototypeOf(instance: object): object | undefined {
  const prototype: unknown = Object.getPrototypeOf(instance);
  return isObject(prototype) ? prototype : undefined;
}

function prototypeOfClass(type: unknown): object | undefined {
  return typeof type === 'function' && isObject(type.prototype) ? type.prototype : undefined;
}

function nameOf(holder: object): string {
  return typeof holder.constructor === 'function' ? holder.constructor.name : 'a provider';
}
