"""The DET plot (detection error trade-off, ISO/IEC 19795-1): FNMR over FMR, both axes logarithmic.

matplotlib draws it, and is needed for this alone.
"""

from pathlib import Path

from faceauth.evaluation.error_rates import Verification

FORMATS = (".svg", ".png", ".pdf")


def write_det_plot(verification: Verification, path: Path) -> None:
    """Write the plot in the format of the file's name. Raises ImportError without matplotlib, and OSError."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 6), layout="constrained")
    axes = figure.add_subplot(xscale="log", yscale="log", xlim=(1e-6, 1), ylim=(1e-4, 1))
    axes.set_title(f"{verification.pictures:,} pictures of {verification.people:,} people")
    axes.set_xlabel("false match rate")
    axes.set_ylabel("false non-match rate")
    axes.grid(alpha=0.4)
    rates = [at.fmr for at in verification.curve]
    axes.plot(rates, [at.fnmr for at in verification.curve], label="all comparisons")
    axes.plot(rates, [at.fnmr_of_people for at in verification.curve], label="each person once")
    for at in verification.thresholds:
        widths = [[rate.value - rate.low, rate.high - rate.value] for rate in (at.fmr, at.fnmr)]
        across, down = ([[low], [high]] for low, high in widths)
        axes.errorbar(at.fmr.value, at.fnmr.value, xerr=across, yerr=down, fmt="o", color="black")
        axes.annotate(f" {at.similarity:g}", (at.fmr.value, at.fnmr.value))
    axes.legend(loc="upper right")  # Matplotlib would try every place
    figure.savefig(path)
