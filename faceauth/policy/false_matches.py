"""How often a stranger matches: the measured rates, and the odds that they make with a number of people.

Both tables come from `python -m benchmarks.thresholds`; docs/odds.md has the formula.
"""

import numpy as np
from numpy.typing import NDArray

from faceauth.policy.population import Population
from faceauth.vision import similarity

# How often a picture of one person reaches a cosine to another person, at most, relatives apart and each pair of people
# counted once: the upper end of the 95 % interval of one picture with one, times what three frames of one occasion
# instead of one picture make of it, 2.3. At the last none of the pairs matches, even at much less.
ONE: dict[float, float] = {
    0.2903: 2.3e-3,
    0.3213: 7.3e-4,
    0.3502: 2.6e-4,
    0.3768: 9.2e-5,
    0.4027: 3.2e-5,
    0.4200: 1.8e-5,
    0.4400: 7.2e-6,
    0.4600: 4.0e-6,
    0.4800: 2.4e-6,
    0.5000: 1.2e-6,
    0.5200: 9.9e-7,
    0.5400: 6.3e-7,
    0.5650: 2.7e-7,
}

# The same where the other is known by pictures of several occasions, two to ten: the best of them or their mean.
SEVERAL: dict[float, float] = {
    0.2903: 3.1e-3,
    0.3213: 1.1e-3,
    0.3502: 3.8e-4,
    0.3768: 1.4e-4,
    0.4027: 5.0e-5,
    0.4200: 2.2e-5,
    0.4400: 1.1e-5,
    0.4600: 6.0e-6,
    0.4800: 2.5e-6,
    0.5000: 1.4e-6,
    0.5200: 1.0e-6,
    0.5400: 9.9e-7,
    0.5650: 6.2e-7,
}
COSINES = np.array(list(ONE))
LEAST_RATE = min(ONE.values())
"""Where the measurement ends: so many pairs of people there are that even none found says no less."""


def fpir_of(threshold: float, population: Population) -> float:
    """The chance that a stranger reaches this similarity with anybody, 0 to 1."""
    cosine = similarity.to_cosine(threshold)
    rate = 1.0 if cosine < COSINES[0] else float(np.exp(np.interp(cosine, COSINES, np.log(bounds(population)))))
    return float(1 - (1 - rate) ** population.people)


def bounds(population: Population) -> NDArray[np.float64]:
    """How often a stranger reaches each of COSINES with an average person, at most."""
    one, several = np.array(list(ONE.values())), np.array(list(SEVERAL.values()))
    return np.asarray(one + population.share * (several - one), np.float64)


def decades(value: float) -> float:
    """How rarely a stranger reaches a similarity with one picture, as -log10 of ONE.

    Above its end all are equally similar, and below its beginning (80) they might as well be anybody: 0.
    """
    return float(-np.interp(similarity.to_cosine(value), COSINES, np.log10(list(ONE.values())), left=0.0))


def as_words(odds: float) -> str:
    """`1 in 12,000`."""
    return f"1 in {1 / odds:,.0f}" if odds else "none"
