// What keys and buttons do to a text: lists go on, words become bold. All functions take a text and give a change.

const ITEM = /^([ \t]*(?:>[ \t]*)*)(?:([-*+])|(\d{1,9})([.)]))([ \t]+)(\[[ xX]\][ \t]+)?/;
const QUOTE = /^[ \t]*(?:>[ \t]*)+/;

/**
 * Characters `from` to `to` become `words`; then `select` is selected.
 *
 * @typedef {{ from: number, to: number, words: string, select: [number, number] }} Change
 */

/**
 * @param {string} text
 * @param {number} at
 */
function lineAt(text, at) {
  const start = text.lastIndexOf("\n", at - 1) + 1;
  const end = text.indexOf("\n", at);
  return { start, end: end < 0 ? text.length : end };
}

/**
 * Enter: a list, a check box and a quotation go on; an empty one ends.
 *
 * @param {string} text
 * @param {number} from
 * @param {number} to
 * @returns {Change}
 */
export function enter(text, from, to) {
  const { start, end } = lineAt(text, from);
  const line = text.slice(start, end);
  const item = ITEM.exec(line);
  const lead = item?.[0] ?? QUOTE.exec(line)?.[0] ?? "";
  if (!lead || from < start + lead.length) return insert(from, to, "\n");
  if (line.trim() === lead.trim()) return { from: start, to: Math.max(to, end), words: "", select: [start, start] };
  if (!item) return insert(from, to, `\n${lead}`);
  const [, indent, bullet, number, mark, gap, box] = item;
  const next = bullet ?? `${Number(number) + 1}${mark}`;
  return insert(from, to, `\n${indent}${next}${gap}${box ? "[ ] " : ""}`);
}

/**
 * @param {number} from
 * @param {number} to
 * @param {string} words
 * @returns {Change}
 */
export function insert(from, to, words) {
  return { from, to, words, select: [from + words.length, from + words.length] };
}

/**
 * Put the mark around what is selected, or take it away again.
 *
 * @param {string} text
 * @param {number} from
 * @param {number} to
 * @param {string} mark
 * @returns {Change}
 */
export function wrap(text, from, to, mark) {
  const size = mark.length;
  const words = text.slice(from, to);
  if (alone(text, from - size, mark) && alone(text, to, mark)) {
    return { from: from - size, to: to + size, words, select: [from - size, to - size] };
  }
  if (words.length > 2 * size && alone(words, 0, mark) && alone(words, words.length - size, mark)) {
    const inner = words.slice(size, -size);
    return { from, to, words: inner, select: [from, from + inner.length] };
  }
  return { from, to, words: `${mark}${words}${mark}`, select: [from + size, to + size] };
}

/**
 * Whether the mark stands there by itself: "*" is no part of "**".
 *
 * @param {string} text
 * @param {number} at
 * @param {string} mark
 */
function alone(text, at, mark) {
  if (at < 0 || text.slice(at, at + mark.length) !== mark) return false;
  return mark.length > 1 || (text[at - 1] !== mark && text[at + 1] !== mark);
}

/**
 * Make a link of what is selected, with its address selected, or its words where the selection is an address.
 *
 * @param {string} text
 * @param {number} from
 * @param {number} to
 * @returns {Change}
 */
export function link(text, from, to) {
  const words = text.slice(from, to);
  if (/^https?:\/\/\S+$/.test(words)) return { from, to, words: `[](${words})`, select: [from + 1, from + 1] };
  const address = from + words.length + 3;
  return { from, to, words: `[${words}](https://)`, select: [address, address + "https://".length] };
}

/** The beginnings of lines that buttons put there. */
export const LEADS = { heading: "## ", list: "- ", task: "- [ ] ", quote: "> " };

/**
 * Begin each selected line so, or no longer where all of them do.
 *
 * @param {string} text
 * @param {number} from
 * @param {number} to
 * @param {string} lead
 * @returns {Change}
 */
export function begin(text, from, to, lead) {
  const { start } = lineAt(text, from);
  const { end } = lineAt(text, to);
  const lines = text.slice(start, end).split("\n");
  const off = lines.every((line) => line.startsWith(lead));
  const bare = /** @param {string} line */ (line) => line.replace(/^(?:#{1,6} |> |[-*+] (?:\[[ xX]\] )?|\d{1,9}[.)] )/, "");
  const words = lines.map((line) => (off ? line.slice(lead.length) : lead + bare(line))).join("\n");
  const grown = words.length - (end - start);
  const at = Math.max(start, from + (lines.length === 1 ? grown : 0));
  return { from: start, to: end, words, select: lines.length === 1 ? [at, Math.max(at, to + grown)] : [start, end + grown] };
}
