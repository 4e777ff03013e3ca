/** A mistake in an expression as a person sees it: the sentence, the text, and a mark below the character. */

/** Longest text that is repeated. */
const LONGEST = 100;

/** @param position of the character in the text */
export function pointedProblem(message: string, text: string, position: number): string {
  const line = text.replace(/\s/g, ' ');
  return position > 0 && line.length < LONGEST
    ? `${message}\n  ${line}\n  ${' '.repeat(position)}^`
    : message;
}
