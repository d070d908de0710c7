const DIGITS = 2;
const MOST_DIGITS = 6;

/**
 * Similarities as texts. A map's code rounds, and may take that of two equal pictures above 1.
 * Beside a threshold they have as many digits as show on which side they lie.
 * @param {number} similarity
 * @param {number | null} [threshold]
 * @returns {string[]} the similarity, and the threshold if there is one
 */
export function similarityTexts(similarity, threshold = null) {
  const found = Math.min(1, similarity);
  if (threshold === null) return [found.toFixed(DIGITS)];
  const known = found >= threshold;
  let digits = DIGITS;
  while (digits < MOST_DIGITS && Number(found.toFixed(digits)) >= Number(threshold.toFixed(digits)) !== known) digits++;
  return [found.toFixed(digits), threshold.toFixed(digits)];
}
