/** The gateway speaks of its own parameters and paths; who sits at a terminal has options and commands instead. */
const words: readonly (readonly [RegExp, string])[] = [
  [/\bcreate=true\b/g, '--create'],
  [/\bonError=skip\b/g, '--on-error skip'],
  [/\bformat=(?=[a-z])/g, '--format '],
  [/\bGET \/v1\/tags lists\b/g, '`drey tag list` shows'],
];

export const inCommandWords = (text: string): string => words.reduce((said, [theirs, ours]) => said.replace(theirs, ours), text);
