/** What the first circuit notes of its channels. */
export const ChannelFlag = {
  monitored: 1,
  /** A CHAR array that was asked for as text: its name ends in `$`. */
  longText: 2,
  /** More than one element, and not one long text. */
  array: 4,
} as const;
