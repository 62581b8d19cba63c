import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { newSchedule, newTrigger, newWebhook, scheduleView, triggerView, webhookView } from '../../contracts/automation.ts';
import { ruleEdit, type AutomationOperations } from '../operations/automation.ts';
import { acceptedJob } from '../operations/jobs.ts';
import { bodyLimits, idParam, type Door } from './door.ts';

const tags = ['automation'];
const edits = ruleEdit.describe('any of the fields of a new one; the others stay as they are');
const gone = { 200: z.literal(true) };
// A scope may name the PVs of a whole facility.
const bodyLimit = bodyLimits.selection;

/** The operation checks the body once more, with what the schema cannot know, and tells all of it together. */
const attachValidation = true;
function bodyOf(request: Pick<FastifyRequest, 'body' | 'validationError'>): unknown {
  if (request.validationError !== undefined && request.validationError.validationContext !== 'body') throw request.validationError;
  return request.body;
}

export function automationRoutes(app: Door, { schedules, triggers, webhooks }: AutomationOperations): void {
  app.get('/v1/schedules', { config: { operation: 'schedules.read' }, schema: { tags, summary: 'List schedules', response: { 200: z.array(scheduleView) } } }, () => schedules.list());
  app.post('/v1/schedules', { config: { operation: 'schedules.write' }, attachValidation, bodyLimit, schema: { tags, summary: 'Have snapshots taken by the clock', body: newSchedule, response: { 200: scheduleView } } }, (request) => schedules.create(request.caller, bodyOf(request)));
  app.get('/v1/schedules/:id', { config: { operation: 'schedules.read' }, schema: { tags, summary: 'One schedule, and when it fires next', params: idParam, response: { 200: scheduleView } } }, (request) => schedules.get(request.params.id));
  app.put('/v1/schedules/:id', { config: { operation: 'schedules.write' }, bodyLimit, schema: { tags, summary: 'Edit a schedule; firings before the edit are not made up', params: idParam, body: edits, response: { 200: scheduleView } } }, (request) => schedules.edit(request.caller, request.params.id, request.body));
  app.delete('/v1/schedules/:id', { config: { operation: 'schedules.write' }, schema: { tags, summary: 'Delete a schedule; its snapshots stay', params: idParam, response: gone } }, (request) => schedules.delete(request.caller, request.params.id));
  app.post('/v1/schedules/:id/run', { config: { operation: 'schedules.write' }, schema: { tags, summary: 'Take its snapshot now, by hand; also when it is disabled', params: idParam, response: { 200: acceptedJob } } }, (request) => schedules.run(request.caller, request.params.id));

  app.get('/v1/triggers', { config: { operation: 'triggers.read' }, schema: { tags, summary: 'List triggers', response: { 200: z.array(triggerView) } } }, () => triggers.list());
  app.post('/v1/triggers', { config: { operation: 'triggers.write' }, attachValidation, bodyLimit, schema: { tags, summary: 'Have snapshots taken when a PV says so', body: newTrigger, response: { 200: triggerView } } }, (request) => triggers.create(request.caller, bodyOf(request)));
  app.get('/v1/triggers/:id', { config: { operation: 'triggers.read' }, schema: { tags, summary: 'One trigger', params: idParam, response: { 200: triggerView } } }, (request) => triggers.get(request.params.id));
  app.put('/v1/triggers/:id', { config: { operation: 'triggers.write' }, bodyLimit, schema: { tags, summary: 'Edit a trigger', params: idParam, body: edits, response: { 200: triggerView } } }, (request) => triggers.edit(request.caller, request.params.id, request.body));
  app.delete('/v1/triggers/:id', { config: { operation: 'triggers.write' }, schema: { tags, summary: 'Delete a trigger; its snapshots stay', params: idParam, response: gone } }, (request) => triggers.delete(request.caller, request.params.id));
  app.post('/v1/triggers/:id/run', { config: { operation: 'triggers.write' }, schema: { tags, summary: 'Take its snapshot now, by hand; also when it is disabled', params: idParam, response: { 200: acceptedJob } } }, (request) => triggers.run(request.caller, request.params.id));

  app.get('/v1/webhooks', { config: { operation: 'webhooks.read' }, schema: { tags, summary: 'List webhooks with their last delivery, never their secrets', response: { 200: z.array(webhookView) } } }, () => webhooks.list());
  app.post('/v1/webhooks', { config: { operation: 'webhooks.write' }, attachValidation, schema: { tags, summary: 'Have another program told of what happens', body: newWebhook, response: { 200: webhookView } } }, (request) => webhooks.create(request.caller, bodyOf(request)));
  app.get('/v1/webhooks/:id', { config: { operation: 'webhooks.read' }, schema: { tags, summary: 'One webhook with its last delivery', params: idParam, response: { 200: webhookView } } }, (request) => webhooks.get(request.params.id));
  app.put('/v1/webhooks/:id', { config: { operation: 'webhooks.write' }, schema: { tags, summary: 'Edit a webhook', params: idParam, body: edits, response: { 200: webhookView } } }, (request) => webhooks.edit(request.caller, request.params.id, request.body));
  app.delete('/v1/webhooks/:id', { config: { operation: 'webhooks.write' }, schema: { tags, summary: 'Delete a webhook', params: idParam, response: gone } }, (request) => webhooks.delete(request.caller, request.params.id));
}
