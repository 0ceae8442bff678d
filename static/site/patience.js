// Ends a request that gets no answer. Safari learnt that with version 16; before, a request waits as long as it likes.

/** @param {number} delay ms */
export function patience(delay) {
  return AbortSignal.timeout?.(delay);
}
