import { z } from 'zod';
import { newTag, newTagSet, tagEdit, tagGroupSummary, tagGroupView, tagSetResult, type TagOperations } from '../operations/tags.ts';
import { bodyLimits, flag, idParam, type Door } from './door.ts';

const tags = ['tags'];
const tagParams = idParam.extend({ tagId: z.string().min(1).max(255) });

export function tagRoutes(app: Door, groups: TagOperations): void {
  app.get('/v1/tags', {
    config: { operation: 'tags.read' },
    schema: { tags, summary: 'List tag groups', response: { 200: z.array(tagGroupSummary) } },
  }, () => groups.list());

  app.get('/v1/tags/:id', {
    config: { operation: 'tags.read' },
    schema: { tags, summary: 'One group with its tags, as an array of one', params: idParam, response: { 200: z.array(tagGroupView) } },
  }, async (request) => [await groups.get(request.params.id)]);

  app.post('/v1/tags', {
    config: { operation: 'tags.write' },
    schema: { tags, summary: 'Make a tag group', body: newTag, response: { 200: tagGroupView } },
  }, (request) => groups.createGroup(request.caller, request.body));

  app.put('/v1/tags/:id', {
    config: { operation: 'tags.write' },
    schema: { tags, summary: 'Edit a group: absent fields stay', params: idParam, body: tagEdit, response: { 200: tagGroupView } },
  }, (request) => groups.editGroup(request.caller, request.params.id, request.body));

  app.delete('/v1/tags/:id', {
    config: { operation: 'tags.write' },
    schema: { tags, summary: 'Delete a group with its tags; entries lose them, old snapshots do not', params: idParam, querystring: z.object({ force: flag.default(false).describe('also when entries have its tags') }), response: { 200: z.literal(true) } },
  }, (request) => groups.deleteGroup(request.caller, request.params.id, request.query.force));

  app.post('/v1/tags/:id/tags', {
    config: { operation: 'tags.write' },
    schema: {
      tags,
      summary: 'Make a tag in a group',
      params: idParam,
      querystring: z.object({ skip_duplicates: flag.default(false).describe('a tag of that name is no error') }),
      body: newTag,
      response: { 200: z.object({ group: tagGroupView, wasCreated: z.boolean() }) },
    },
  }, (request) => groups.createTag(request.caller, request.params.id, request.body, request.query.skip_duplicates));

  app.put('/v1/tags/:id/tags/:tagId', {
    config: { operation: 'tags.write' },
    schema: { tags, summary: 'Edit a tag: absent fields stay; old snapshots keep its old name', params: tagParams, body: tagEdit, response: { 200: tagGroupView } },
  }, (request) => groups.editTag(request.caller, request.params.id, request.params.tagId, request.body));

  app.delete('/v1/tags/:id/tags/:tagId', {
    config: { operation: 'tags.write' },
    schema: { tags, summary: 'Delete a tag', params: tagParams, response: { 200: tagGroupView } },
  }, (request) => groups.deleteTag(request.caller, request.params.id, request.params.tagId));

  app.post('/v1/tags/bulk', {
    config: { operation: 'tags.write' },
    bodyLimit: bodyLimits.selection,
    schema: { tags, summary: 'Make the groups and tags that are missing', body: newTagSet, response: { 200: tagSetResult } },
  }, (request) => groups.ensure(request.caller, request.body));
}
