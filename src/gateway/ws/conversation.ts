/** What each message of a client does: who watches what, from when on, and what is answered. */
import { DreyError } from '../../contracts/errors.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Log } from '../../kernel/log.ts';
import { printOf, type CatalogueChange, type CatalogueSlots } from './catalogue-slots.ts';
import type { Selection } from './batch.ts';
import type { LiveClient } from './client.ts';
import { roundWindow, type FanOut } from './fan-out.ts';
import { mostNames } from '../operations/live-values.ts';
import type { LatestValues } from './latest-values.ts';
import { idOf, parseMessage, type Subscribe, type Unsubscribe } from './messages.ts';

export interface ConversationDeps {
  readonly table: LatestValues;
  readonly slots: CatalogueSlots;
  readonly fanOut: FanOut;
  /** Of this gateway's table: its sequence numbers mean nothing to another. */
  readonly epoch: string;
  /** Has the values kept current from here on, and resolves when they are whole. */
  readonly whole: () => Promise<void>;
  /** Who watches what has changed. */
  readonly changed: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** Names that are told one by one of those that no catalogue entry has. */
const mostUnknownTold = 100;
const mostTagWishes = 100;

export interface Conversation {
  hear(client: LiveClient, text: string): Promise<void>;
  /** The catalogue has changed: PVs join and leave what clients watch. */
  catalogueChanged(): Promise<void>;
}

export function createConversation({ table, slots, fanOut, epoch, whole, changed, clock, log }: ConversationDeps): Conversation {
  const sessionOf = (client: LiveClient): string => `${epoch}.${printOf(client.selection)}`;

  const watch = async (client: LiveClient): Promise<Selection> => {
    const { selection, count } = await slots.select(client.wishes);
    const before = client.selection;
    client.selection = selection;
    client.count = count;
    changed();
    return joined(selection, before);
  };

  const subscribe = async (client: LiveClient, { id, pvNames = [], pv_names: alias = [], tags, all, windowMs, arrays, resume }: Subscribe, says: boolean): Promise<void> => {
    const names = [...pvNames, ...alias];
    if (!says && windowMs === undefined && arrays === undefined) throw new DreyError('invalid', 'the message subscribe says nothing to watch: give pvNames, tags, or "all": true');
    const { wishes } = client;
    if (wishes.names.size + names.length > mostNames) throw new DreyError('tooLarge', `a connection watches at most ${mostNames} names, this would make ${wishes.names.size + names.length}: say "all": true, or open another`);
    if (wishes.tags.size >= mostTagWishes) throw new DreyError('tooLarge', `a connection watches at most ${mostTagWishes} choices of tags`);
    const before = { all: wishes.all, names: new Set(wishes.names), tags: new Set(wishes.tags) };
    if (all) wishes.all = true;
    for (const name of names) wishes.names.add(bare(name));
    if (tags) wishes.tags.add(JSON.stringify(tags));
    if (arrays) client.arrays = arrays;
    if (windowMs !== undefined) {
      client.windowMs = roundWindow(windowMs);
      fanOut.regroup(client);
    }
    await slots.sync();
    const fresh = await watch(client).catch(async (error: unknown) => {
      client.wishes = before;
      await watch(client);
      throw error;
    });
    if (client.count > 0) await whole();
    // While the values came the catalogue may have changed; who watches what is up to date all the same.
    const session = sessionOf(client);
    const resumed = resume !== undefined && client.version === 0 && resume.session === session && resume.sequence > 0 && resume.sequence <= table.version;
    const unknown = names.map(bare).filter((name) => !slots.has(name));
    client.say({
      type: 'ack', of: 'subscribe', ...(id === undefined ? {} : { id }), count: client.count, session, windowMs: client.windowMs, ...(resume ? { resumed } : {}),
      unknown: unknown.slice(0, mostUnknownTold), unknownCount: unknown.length,
    });
    const now = clock.now();
    if (resumed) {
      const changes = fanOut.since(resume.sequence);
      client.version = changes.to;
      client.picture('diff', changes, client.selection, now);
      return;
    }
    if (!says || client.count === 0) return;
    const picture = fanOut.picture();
    client.picture('initial', picture, client.version === 0 ? client.selection : fresh, now);
    // What it watched before goes on from where it was.
    if (client.version === 0) client.version = picture.to;
  };

  const unsubscribe = async (client: LiveClient, { id, pvNames = [], pv_names: alias = [], tags, all }: Unsubscribe, says: boolean): Promise<void> => {
    if (!says) throw new DreyError('invalid', 'the message unsubscribe says nothing to watch no more: give pvNames, tags, or "all": true');
    if (all) client.wishes.all = false;
    for (const name of [...pvNames, ...alias]) client.wishes.names.delete(bare(name));
    if (tags) client.wishes.tags.delete(JSON.stringify(tags));
    await watch(client);
    client.say({ type: 'ack', of: 'unsubscribe', ...(id === undefined ? {} : { id }), count: client.count, session: sessionOf(client) });
  };

  const spread = async ({ added, removed }: CatalogueChange): Promise<void> => {
    const joining = new Uint8Array(table.size);
    for (const slot of added) joining[slot] = 1;
    for (const client of [...fanOut.clients]) {
      const { selection, wishes } = client;
      const gone = removed.filter(({ slot }) => selection === null || selection[slot] === 1).map(({ name }) => name);
      try {
        const fresh = await watch(client);
        // Its first picture is under way.
        if (client.version === 0) continue;
        if (gone.length > 0) client.say({ type: 'removed', pvNames: gone });
        client.picture('initial', fanOut.picture(), wishes.all ? joining : fresh, clock.now());
      } catch (error) {
        // A tag that is no more: what was watched by it goes on until the client says otherwise.
        log.info({ err: error, who: client.who }, 'what a WebSocket client watches could not be renewed');
      }
    }
  };
  slots.listen((change) => void spread(change));

  return {
    hear: async (client, text) => {
      try {
        const message = parseMessage(text);
        switch (message.type) {
          case 'subscribe':
          case 'unsubscribe': {
            const says = message.pvNames !== undefined || message.pv_names !== undefined || message.tags !== undefined || message.all !== undefined;
            await (message.type === 'subscribe' ? subscribe(client, message, says) : unsubscribe(client, message, says));
            break;
          }
          case 'get_all':
            await slots.sync();
            await whole();
            client.picture('all_values', fanOut.picture(), null, clock.now());
            break;
          case 'ping':
            client.say({ type: 'pong', timestamp: clock.now() / 1000, ...(message.id === undefined ? {} : { id: message.id }) });
            break;
        }
      } catch (error) {
        const known = error instanceof DreyError ? error : undefined;
        if (!known) log.error({ err: error, who: client.who }, 'a message of a WebSocket client met an internal fault');
        const id = idOf(text);
        client.say({ type: 'error', message: known?.message ?? 'an internal fault: the log has it', code: known?.code ?? 'internal', ...(known?.faults ? { faults: known.faults } : {}), ...(id === undefined ? {} : { id }) });
      }
    },

    catalogueChanged: () => slots.sync(),
  };
}

/** What is selected now and was not before. */
function joined(now: Selection, before: Selection): Selection {
  if (now === null || before === null) return now;
  return now.map((one, slot) => (one === 1 && before[slot] !== 1 ? 1 : 0));
}

/** The Squirrel contract's prefix of Channel Access names. */
function bare(name: string): string {
  return name.startsWith('ca://') ? name.slice(5) : name;
}
