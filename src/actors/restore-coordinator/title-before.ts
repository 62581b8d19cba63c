const restored = 'before restore of ';
const undone = 'before undoing the restore of ';

/** R3: what the snapshot of the values before is called. Undoing, and undoing that, goes to and fro, and so does the title. */
export function titleBefore(title: string): string {
  const told = title.startsWith(restored) ? `${undone}${title.slice(restored.length)}` : `${restored}${title.startsWith(undone) ? title.slice(undone.length) : title}`;
  return told.slice(0, 255);
}
