// How a line of Markdown looks while it is written. Every character stays: marks are dimmed, never taken away.

const NO_TITLE = /^\s*(?:[-*+]\s|\d{1,9}[.)]\s|>|```|~~~|\||\t| {4}|([-*_])([ \t]*\1){2,}\s*$)/; // as in cards.py
const LONGEST_TITLE = 100; // characters
const LONGEST_STYLED = 4000; // characters of a line: what nobody reads is not worth waiting for at every key
const FENCE = /^\s{0,3}(```|~~~)/;
const HEADING = /^\s{0,3}(#{1,6})(?:\s|$)/;
const RULE = /^\s{0,3}([-*_])([ \t]*\1){2,}\s*$/;
const TASK = /^([ \t>]*(?:[-*+]|\d{1,9}[.)])[ \t]+)(\[[ xX]\])(?=\s|$)/;
const ITEM = /^[ \t>]*(?:[-*+]|\d{1,9}[.)])(?:[ \t]+|$)/;
const QUOTE = /^[ \t]*>[ \t>]*/;
const TABLE = /^\s*\|/;

/** What stands within a line, the strongest first. Each mark stands on both sides of what it marks. */
const INLINE = new RegExp(
  [
    /(?<code>(?<ticks>`+)(?!`).+?(?<!`)\k<ticks>(?!`))/,
    /(?<strong>(?<pair>\*\*|__)(?=\S).+?(?<=\S)\k<pair>)/,
    /(?<strike>~~(?=\S).+?(?<=\S)~~)/,
    /(?<em>(?<![\w*])\*(?=[^\s*]).+?(?<=[^\s*])\*(?!\*)|(?<![\w_])_(?=[^\s_]).+?(?<=[^\s_])_(?![\w_]))/,
    /(?<link>\[[^\]]+\]\([^()\s]+\))/,
    /(?<address>https?:\/\/[^\s<>]*[^\s<>.,;:!?'")\]])/,
  ]
    .map((part) => part.source)
    .join("|"),
  "gu",
);
const MARKS = { code: /^`+/, strong: /^(?:\*\*|__)/, strike: /^~~/, em: /^[*_]/ };

/**
 * What each line of a text is: "title", "code", "h1" to "h6", "task", "task done", "item", "quote", "rule", "table" or "".
 *
 * @param {string[]} lines
 * @returns {string[]}
 */
export function kindsOf(lines) {
  const first = Math.max(0, lines.findIndex((line) => line.trim() !== ""));
  let fence = "";
  return lines.map((line, at) => {
    const mark = FENCE.exec(line)?.[1] ?? "";
    if (fence || mark) {
      if (!fence) fence = mark;
      else if (mark === fence) fence = "";
      return "code";
    }
    if (at === first && line.length <= LONGEST_TITLE && !NO_TITLE.test(line)) return "title";
    return kindOf(line);
  });
}

/** @param {string} line */
function kindOf(line) {
  const heading = HEADING.exec(line);
  const task = TASK.exec(line);
  if (heading) return `h${heading[1].length}`;
  if (RULE.test(line)) return "rule";
  if (task) return task[2] === "[ ]" ? "task" : "task done";
  if (ITEM.test(line)) return "item";
  if (QUOTE.test(line)) return "quote";
  return TABLE.test(line) ? "table" : "";
}

/**
 * The line as an element, whose text is the line itself.
 *
 * @param {string} line
 * @param {string} kind
 */
export function elementOf(line, kind) {
  const element = document.createElement("div");
  element.className = `verse ${kind}`;
  element.dir = "auto";
  if (line === "") element.append(document.createElement("br"));
  else if (kind === "code" || kind === "rule" || kind === "table") element.append(line);
  else element.append(...partsOf(line, kind));
  return element;
}

/**
 * @param {string} line
 * @param {string} kind
 */
function partsOf(line, kind) {
  const task = kind.startsWith("task") ? TASK.exec(line) : null;
  const lead = task?.[1] ?? (/^h\d$|^title$/.test(kind) ? /^\s{0,3}#{1,6}\s*/ : kind === "item" ? ITEM : QUOTE).exec(line)?.[0] ?? "";
  const box = task?.[2] ?? "";
  const parts = inline(line.slice(lead.length + box.length));
  if (box) parts.unshift(Object.assign(span("box", box), { dir: "ltr" })); // its x says nothing of the line's direction
  if (lead) parts.unshift(span("mark lead", lead));
  return parts;
}

/**
 * @param {string} words
 * @returns {(Node | string)[]}
 */
function inline(words) {
  if (words.length > LONGEST_STYLED) return [words];
  const parts = [];
  let end = 0;
  for (const found of words.matchAll(INLINE)) {
    const [kind, whole] = Object.entries(found.groups ?? {}).find(([, value]) => value !== undefined) ?? ["", ""];
    if (found.index > end) parts.push(words.slice(end, found.index));
    parts.push(marked(kind, whole));
    end = found.index + whole.length;
  }
  if (end < words.length) parts.push(words.slice(end));
  return parts;
}

/**
 * @param {string} kind
 * @param {string} whole
 */
function marked(kind, whole) {
  if (kind === "address") return span("link", whole);
  if (kind === "link") {
    const middle = whole.indexOf("](");
    return span("", span("mark", "["), span("link", ...inline(whole.slice(1, middle))), span("mark", whole.slice(middle)));
  }
  const mark = MARKS[/** @type {keyof typeof MARKS} */ (kind)].exec(whole)?.[0] ?? "";
  const inner = whole.slice(mark.length, -mark.length);
  return span(kind, span("mark", mark), ...(kind === "code" ? [inner] : inline(inner)), span("mark", mark));
}

/**
 * @param {string} className
 * @param {(Node | string)[]} parts
 */
function span(className, ...parts) {
  const element = document.createElement("span");
  element.className = className;
  element.append(...parts);
  return element;
}

/**
 * The text with the box of that line ticked, or unticked; null where it has none.
 *
 * @param {string} line
 */
export function ticked(line) {
  const task = TASK.exec(line);
  if (!task) return null;
  return `${task[1]}${task[2] === "[ ]" ? "[x]" : "[ ]"}${line.slice(task[0].length)}`;
}

/**
 * The address that the link at this place leads to, if there is one.
 *
 * @param {string} line
 * @param {number} column
 */
export function addressAt(line, column) {
  for (const found of line.matchAll(INLINE)) {
    if (column < found.index || column > found.index + found[0].length) continue;
    if (found.groups?.address) return found.groups.address;
    const address = found.groups?.link?.replace(/^.*\]\((.*)\)$/u, "$1") ?? "";
    if (/^(?:https?:|mailto:|tel:)/i.test(address)) return address;
  }
  return "";
}
