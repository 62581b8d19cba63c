/** Schedules, triggers and webhooks: what people wrote as a document, what became of it beside. */
import { DreyError } from '../../contracts/errors.ts';
import type { RuleKind } from '../../contracts/automation.ts';
import type { Rule, RuleStore } from '../port.ts';
import type { Database } from './database.ts';
import { knownForm, newUuid } from './uuid.ts';

interface RuleRow {
  readonly id: string;
  readonly kind: RuleKind;
  readonly name: string;
  readonly definition: unknown;
  readonly state: Record<string, unknown>;
  readonly created_by: string;
  readonly created_at: Date;
  readonly modified_at: Date;
}
const columns = 'id, kind, name, definition, state, created_by, created_at, modified_at';

export function createRules(database: Database): RuleStore {
  const refuseTaken = async (kind: RuleKind, name: string, but: string | null): Promise<void> => {
    const taken = await database.rows('select 1 from automation where kind = $1 and lower(name) = lower($2) and ($3::uuid is null or id <> $3)', [kind, name, but]);
    if (taken.length > 0) throw new DreyError('conflict', `there is a ${kind} called ${JSON.stringify(name)} already`);
  };
  return {
    list: async (kind) => (await database.rows<RuleRow>(`select ${columns} from automation where kind = $1 order by id`, [kind])).map(ruleOf),
    get: async (kind, id) => {
      const [row] = await database.rows<RuleRow>(`select ${columns} from automation where kind = $1 and id = $2`, [kind, knownForm(kind, id)]);
      return ruleOf(row ?? noRule(kind, id));
    },
    // The unique index decides between two at once; asking first gives the clear answer.
    create: async (kind, { name, definition, createdBy, at }) => {
      await refuseTaken(kind, name, null);
      const [row] = await database.rows<RuleRow>(
        `insert into automation (id, kind, name, definition, created_by, created_at, modified_at) values ($1, $2, $3, $4, $5, $6, $6) returning ${columns}`,
        [newUuid(), kind, name, JSON.stringify(definition), createdBy, at],
      );
      return ruleOf(row!);
    },
    edit: async (kind, id, { name, definition, at }) => {
      await refuseTaken(kind, name, knownForm(kind, id));
      const [row] = await database.rows<RuleRow>(`update automation set name = $3, definition = $4, modified_at = $5 where kind = $1 and id = $2 returning ${columns}`, [kind, id, name, JSON.stringify(definition), at]);
      return ruleOf(row ?? noRule(kind, id));
    },
    delete: async (kind, id) => {
      const [row] = await database.rows<RuleRow>(`delete from automation where kind = $1 and id = $2 returning ${columns}`, [kind, knownForm(kind, id)]);
      return ruleOf(row ?? noRule(kind, id));
    },
    note: async (id, state) => {
      await database.rows(
        `update automation set state = state || $2::jsonb
         where id = $1 and coalesce(state->>'lastFiringAt', '') <= coalesce($2::jsonb->>'lastFiringAt', state->>'lastFiringAt', '')`,
        [id, JSON.stringify(state)],
      );
    },
  };
}

function ruleOf(row: RuleRow): Rule {
  const { id, kind, name, definition, state } = row;
  return { id, kind, name, definition, state, createdBy: row.created_by, createdDate: row.created_at.toISOString(), lastModifiedDate: row.modified_at.toISOString() };
}

function noRule(kind: RuleKind, id: string): never {
  throw new DreyError('notFound', `there is no ${kind} ${id}`);
}
