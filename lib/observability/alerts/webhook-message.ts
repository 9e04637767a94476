import type { Alert, AlertChange } from '../../telemetry/index.js';

/**
 * What is posted to `alerts.webhook` with `format: 'json'`.
 *
 * @publicApi
 */
export interface AlertWebhookMessage {
  readonly event: `alert.${AlertChange}`;
  readonly alert: Alert;
}

export function jsonMessage(alert: Alert, change: AlertChange): string {
  const message: AlertWebhookMessage = { event: `alert.${change}`, alert };
  return JSON.stringify(message);
}

const MARKS: Readonly<Record<AlertChange, string>> = {
  raised: 'Alert',
  escalated: 'Alert, now critical',
  cleared: 'Cleared',
};

/** As Slack's incoming webhooks take it; Mattermost, Rocket.Chat and Discord's `/slack` read its `text`. */
export function slackMessage(alert: Alert, change: AlertChange): string {
  const severity = change === 'raised' ? ` (${alert.severity})` : '';
  const mark = alert.clearedBy === undefined ? MARKS[change] : `${MARKS[change]} by the ${alert.clearedBy}`;
  const title = `${mark}${severity}: ${alert.kind.replaceAll('_', ' ')}`;
  const since = `since ${alert.since}`;
  const until = alert.clearedAt === null ? '' : `, until ${alert.clearedAt}`;
  return JSON.stringify({
    text: escape(`${title} – ${alert.message}`),
    blocks: [
      { type: 'section', text: { type: 'mrkdwn', text: `*${escape(title)}*\n${escape(alert.message)}` } },
      { type: 'context', elements: [{ type: 'mrkdwn', text: escape(`${since}${until} · ${alert.id}`) }] },
    ],
  });
}

/** Slack's three; what else it would read as markup is no harm. */
function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
