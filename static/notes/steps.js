// What Undo takes back and Redo does again: the changes of a text, one step each.

const TOGETHER = 1000; // ms between two keys that Undo takes back together
const MOST = 300; // steps

/**
 * @typedef {object} Step
 * @property {number} from
 * @property {string} removed
 * @property {string} added
 * @property {[number, number]} before the selection before it
 * @property {[number, number]} after
 * @property {number} when ms
 */

export class Steps {
  /** @type {Step[]} */
  #done = [];
  /** @type {Step[]} */
  #undone = [];

  /** @param {Step} step */
  remember(step) {
    const last = this.#done.at(-1);
    if (last && goesOn(last, step)) {
      Object.assign(last, { added: last.added + step.added, after: step.after, when: step.when });
    } else this.#done.push(step);
    if (this.#done.length > MOST) this.#done.shift();
    this.#undone = [];
  }

  /** The step to take back, if there is one. */
  undo() {
    const step = this.#done.pop();
    if (step) this.#undone.push(step);
    return step;
  }

  /** The step to do again, if there is one. */
  redo() {
    const step = this.#undone.pop();
    if (step) this.#done.push(step);
    return step;
  }
}

/**
 * Whether a step is one more key of the same word.
 *
 * @param {Step} last
 * @param {Step} step
 */
function goesOn(last, step) {
  const oneKey = step.added.length === 1 && step.added !== "\n" && !step.removed && !last.removed;
  return oneKey && last.from + last.added.length === step.from && step.when - last.when < TOGETHER;
}

/**
 * What has changed between two texts, as one step.
 *
 * @param {string} before
 * @param {string} after
 * @returns {Step}
 */
export function difference(before, after) {
  const most = Math.min(before.length, after.length);
  let head = 0;
  while (head < most && before[head] === after[head]) head += 1;
  let tail = 0;
  while (tail < most - head && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;
  const removed = before.slice(head, before.length - tail);
  const added = after.slice(head, after.length - tail);
  const [was, is] = [head + removed.length, head + added.length];
  return { from: head, removed, added, before: [was, was], after: [is, is], when: Date.now() };
}
