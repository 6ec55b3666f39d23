"""Our statistics equal those of scipy and statsmodels to 1e-6."""

import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import numpy
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
from peer import PROGRAM, SplitMix64, skip  # noqa: E402

TESTS = Path(PROGRAM).parent / "tests" / "test_statistics"
rng = random.Random(11)


def bootstrap(values, seed, resamples):
    """scipy's percentile bootstrap on the resamples that our generator draws."""
    draws = SplitMix64(seed)
    means = [numpy.mean([values[draws.next() % len(values)] for _ in values]) for _ in range(resamples)]
    return [numpy.mean(values), *numpy.percentile(means, [2.5, 97.5])]


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


def main():
    if not TESTS.exists():
        skip(f"{TESTS} is not here")
    asked, expected = zip(*cases())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "cases.json")
        path.write_text(json.dumps(asked))
        subprocess.run([str(TESTS), "--gtest_filter=StatisticsPeer.Results"], check=True, stdout=subprocess.DEVNULL,
                       env={**os.environ, "ITERALIGN_PEER_STATISTICS": str(path)})
        results = json.loads(Path(folder, "cases.json.results").read_text())
    worst, failures = {}, 0
    for case, wanted, found in zip(asked, expected, results, strict=True):
        if case["function"] == "smallest_effect":  # statsmodels' own search for it is less exact than its power at our answer
            found = NormalIndPower().power(found, case["n"], case["alpha"], ratio=0, alternative="two-sided")
        difference = float(numpy.max(numpy.abs(numpy.subtract(found, wanted))))
        worst[case["function"]] = max(worst.get(case["function"], 0), difference)
        if not difference <= 1e-6:
            failures += 1
            print("FAIL", case, "gives", found, "not", wanted)
    for function, difference in worst.items():
        print(f"{function}: largest difference {difference:.1e}")
    print(f"{len(asked)} cases, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
