"""tests/statistics/peer_values.json, which our statistics are held against, is what scipy and statsmodels say. With
ITERALIGN_UPDATE_GOLDEN=1 it is written anew."""

import itertools
import json
import math
import os
import random
import sys
from pathlib import Path

try:
    import numpy
    import scipy.optimize
    import scipy.stats
    from statsmodels.stats.contingency_tables import mcnemar
    from statsmodels.stats.inter_rater import fleiss_kappa
    from statsmodels.stats.multitest import multipletests
    from statsmodels.stats.power import NormalIndPower
    from statsmodels.stats.proportion import proportion_confint
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

sys.path.insert(0, str(Path(__file__).parent))
from peer import ROOT, SplitMix64  # noqa: E402

GOLDEN = ROOT / "tests" / "statistics" / "peer_values.json"
rng = random.Random(11)


def bootstrap(values, seed, resamples):
    """scipy's percentile bootstrap on the resamples that our generator draws."""
    draws = SplitMix64(seed)
    means = [numpy.mean([values[draws.next() % len(values)] for _ in values]) for _ in range(resamples)]
    return [numpy.mean(values), *numpy.percentile(means, [2.5, 97.5])]


def turned_signs(values, weights):
    """Mean, interval and p-value of every way to turn the signs of a few values; scipy's exact permutation test for the latter."""
    turns = numpy.array(list(itertools.product((0, 1), repeat=len(values))))[1:]
    ratios = numpy.sort(turns @ values / (turns @ weights))
    tail = math.floor(0.025 * 2 ** len(values))
    p = scipy.stats.permutation_test((values,), numpy.sum, permutation_type="samples", n_resamples=numpy.inf).pvalue
    return [sum(values) / sum(weights), ratios[tail - 1], ratios[-tail], p]


def mcnemar_power(up, down, n):
    """That of the exact test, over every number of changes and every split of it."""
    power = 0
    for changed in range(n + 1):
        ups = numpy.arange(changed + 1)
        p_values = numpy.minimum(1, 2 * scipy.stats.binom.cdf(numpy.minimum(ups, changed - ups), changed, 0.5))
        split = scipy.stats.binom.pmf(ups, changed, up / (up + down))
        power += scipy.stats.binom.pmf(changed, n, up + down) * split[p_values <= 0.05].sum()
    return power


def paired_rate_interval(lost, won, n):
    most = lambda count, of: proportion_confint(count, of, alpha=0.025, method="beta") if of else (0, 1)
    (fewest, largest), (low, high) = most(lost + won, n), (2 * share - 1 for share in most(won, lost + won))
    return [low * (largest if low < 0 else fewest), high * (fewest if high < 0 else largest)]


def cases():
    for z in (-8.0, -1.5, 0.0, 0.3, 4.0):
        yield {"function": "normal_cdf", "z": z}, scipy.stats.norm.cdf(z)
    for p in (1e-9, 0.025, 0.4, 0.8, 0.999):
        yield {"function": "normal_quantile", "p": p}, scipy.stats.norm.ppf(p)
    for _ in range(60):
        n = rng.choice([1, 5, 58, 221, 817, 5000])
        count = rng.randint(0, n)
        yield {"function": "wilson", "count": count, "n": n}, proportion_confint(count, n, method="wilson")
    for _ in range(60):
        lost, won = rng.randint(0, 60), rng.randint(0, 60)
        yield {"function": "mcnemar_exact", "lost": lost, "won": won}, mcnemar([[5, lost], [won, 7]], exact=True).pvalue
    for _ in range(20):
        p_values = [rng.random() ** rng.choice([1, 4]) for _ in range(rng.randint(1, 12))]
        yield {"function": "holm", "p_values": p_values}, multipletests(p_values, method="holm")[1]
    for _ in range(60):
        n, p = rng.choice([1, 7, 40, 817, 5000]), rng.random()
        yield {"function": "binomial_cdf", "k": (k := rng.randint(0, n)), "n": n, "p": p}, scipy.stats.binom.cdf(k, n, p)
        yield {"function": "clopper_pearson", "count": k, "n": n, "confidence": 0.95}, proportion_confint(k, n, method="beta")
    for lost, won, n in ((0, 0, 1), (0, 0, 17), (0, 8, 8), (8, 0, 8), (1, 0, 500), (3, 12, 40), (30, 31, 61), (70, 20, 817)):
        yield {"function": "paired_rate_interval", "lost": lost, "won": won, "n": n}, paired_rate_interval(lost, won, n)
    for lost, won, n in ((0, 0, 6), (0, 0, 17), (1, 4, 40), (9, 2, 221), (40, 60, 400)):
        yield {"function": "smallest_rate_difference", "lost": lost, "won": won, "n": n}, 0.8
    for n in (6, 9, 12):
        values = numpy.array([rng.gauss(0.3, 1) for _ in range(n)])
        for weights in (numpy.ones(n), numpy.array([float(rng.randint(1, 9)) for _ in range(n)])):
            yield {"function": "estimate_ratio", "values": values.tolist(), "weights": weights.tolist()}, turned_signs(values, weights)
    for n in (3, 20, 221, 817):
        for alpha, power in ((0.05, 0.8), (0.01, 0.9), (0.2, 0.5)):
            yield {"function": "smallest_effect", "n": n, "alpha": alpha, "power": power}, power
    for _ in range(20):
        raters, categories = rng.randint(2, 6), rng.randint(2, 4)
        votes = [[rng.choice(range(categories)) for _ in range(raters)] for _ in range(30)]
        counts = [[item.count(k) for k in range(categories)] for item in votes]
        yield {"function": "fleiss_kappa", "counts": counts}, fleiss_kappa(numpy.array(counts))
    for seed in range(5):
        values = [rng.gauss(0.1, 1) for _ in range(rng.randint(1, 60))]
        yield {"function": "bootstrap_mean", "values": values, "seed": seed, "resamples": 500}, bootstrap(values, seed, 500)


# What statsmodels has the power of, but not the inverse, at least not as exact: the value is held against the power.
POWERS = {
    "smallest_effect": lambda case, value: NormalIndPower().power(value, case["n"], case["alpha"], ratio=0, alternative="two-sided"),
    "smallest_rate_difference": lambda case, value: mcnemar_power((other := min(case["lost"], case["won"]) / case["n"]) + value, other, case["n"]),
}


def solved(case, power):
    """Where the power is reached."""
    if case["function"] not in POWERS:
        return numpy.asarray(power).tolist()
    most = 20 if case["function"] == "smallest_effect" else 1 - 2 * min(case["lost"], case["won"]) / case["n"]
    return scipy.optimize.brentq(lambda value: POWERS[case["function"]](case, value) - power, 1e-9, most, xtol=1e-12)


def main():
    asked = list(cases())
    if "ITERALIGN_UPDATE_GOLDEN" in os.environ:
        GOLDEN.write_text("[\n" + ",\n".join(json.dumps({**case, "value": solved(case, wanted)}) for case, wanted in asked) + "\n]\n")
    worst, failures = {}, 0
    for (case, wanted), golden in zip(asked, json.loads(GOLDEN.read_text()), strict=True):
        value = golden.pop("value")
        found = POWERS[case["function"]](case, value) if case["function"] in POWERS else value
        difference = float(numpy.max(numpy.abs(numpy.subtract(found, wanted))))
        worst[case["function"]] = max(worst.get(case["function"], 0), difference)
        if golden != json.loads(json.dumps(case)) or not difference <= 1e-7:
            failures += 1
            print("FAIL", case, "gives", wanted, "and peer_values.json has", golden, found)
    for function, difference in worst.items():
        print(f"{function}: largest difference {difference:.1e}")
    print(f"{len(asked)} cases, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
