// Rich text from the clipboard as Markdown. What has no structure comes in as the plain text that lies beside it.

const STRUCTURE = "b, strong, em, i, a[href], h1, h2, h3, h4, h5, h6, li, blockquote, pre, code, del, s, hr, table";

/** @type {Record<string, string>} */
const MARKS = { B: "**", STRONG: "**", EM: "*", I: "*", DEL: "~~", S: "~~" };
const BLOCKS = new Set(["P", "DIV", "SECTION", "ARTICLE", "HEADER", "FOOTER", "MAIN", "FIGURE", "DL", "DT", "DD", "UL", "OL"]);

/**
 * The Markdown of some HTML, or null where it says no more than its plain text.
 *
 * @param {string} html
 */
export function markdownOf(html) {
  const { body } = new DOMParser().parseFromString(html, "text/html"); // loads and runs nothing
  for (const part of body.querySelectorAll("script, style, head, template, noscript, svg")) part.remove();
  if (!body.querySelector(STRUCTURE)) return null;
  return blocks(body).replace(/[ \t]+\n/g, "\n").replace(/\n{3,}/g, "\n\n").trim();
}

/**
 * @param {Element} parent
 * @returns {string}
 */
function blocks(parent) {
  return [...parent.childNodes].map((node) => written(node)).join("");
}

/**
 * @param {Node} node
 * @returns {string}
 */
function written(node) {
  if (node instanceof Text) return node.data.replace(/\s+/g, " ");
  if (!(node instanceof Element)) return "";
  const name = node.tagName;
  const level = /^H([1-6])$/.exec(name)?.[1];
  if (level) return `\n\n${"#".repeat(Number(level))} ${oneLine(node)}\n\n`;
  if (name === "BR") return "\n";
  if (name === "HR") return "\n\n---\n\n";
  if (name === "PRE") return `\n\n\`\`\`\n${(node.textContent ?? "").replace(/\n$/, "")}\n\`\`\`\n\n`;
  if (name === "CODE") return `\`${oneLine(node)}\``;
  if (name === "BLOCKQUOTE") return `\n\n${blocks(node).trim().replace(/^/gm, "> ")}\n\n`;
  if (name === "LI") return item(node);
  if (name === "TABLE") return table(node);
  if (name === "A") return anchor(node);
  if (BLOCKS.has(name)) return `\n${name === "DIV" ? "" : "\n"}${blocks(node)}\n${name === "DIV" ? "" : "\n"}`;
  return marked(node);
}

/** @param {Element} node */
function oneLine(node) {
  return blocks(node).replace(/\s+/g, " ").trim();
}

/** @param {Element} node */
function item(node) {
  const list = node.parentElement;
  const place = list ? [...list.children].indexOf(node) + Number(list.getAttribute("start") ?? 1) : 1;
  const lead = list?.tagName === "OL" ? `${place}. ` : "- ";
  const box = node.querySelector("input[type=checkbox]");
  const ticked = box ? (box.hasAttribute("checked") ? "[x] " : "[ ] ") : "";
  const words = blocks(node).trim().replace(/\n{2,}/g, "\n").replace(/\n/g, `\n${" ".repeat(lead.length)}`);
  return `\n${lead}${ticked}${words}`;
}

/** @param {Element} node */
function anchor(node) {
  const address = node.getAttribute("href") ?? "";
  const words = oneLine(node);
  if (!words || !/^(?:https?:|mailto:|tel:)/i.test(address)) return words;
  return words === address ? address : `[${words}](${address.replaceAll("(", "%28").replaceAll(")", "%29")})`;
}

/** @param {Element} node */
function marked(node) {
  const mark = /normal|400/.test(/** @type {HTMLElement} */ (node).style?.fontWeight ?? "") ? undefined : MARKS[node.tagName];
  const words = blocks(node);
  const [, before, inner, after] = /^(\s*)([\s\S]*?)(\s*)$/.exec(words) ?? ["", "", "", ""];
  return mark && inner && !inner.includes("\n") ? `${before}${mark}${inner}${mark}${after}` : words;
}

/** @param {Element} node */
function table(node) {
  const rows = [...node.querySelectorAll("tr")].map((row) =>
    [...row.children].map((cell) => oneLine(cell).replaceAll("|", "\\|")),
  );
  const width = Math.max(...rows.map((row) => row.length), 0);
  if (!width) return "";
  const line = /** @param {string[]} row */ (row) => `| ${[...row, ...Array(width - row.length).fill("")].join(" | ")} |`;
  const [head, ...rest] = rows;
  return `\n\n${[line(head), `|${" --- |".repeat(width)}`, ...rest.map(line)].join("\n")}\n\n`;
}
