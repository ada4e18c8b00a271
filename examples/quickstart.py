# /// script
# requires-python = ">=3.11,<3.14"
# dependencies = [
#     "moskit-labeljoin",
#     "moskit-moshead[train]",
#     "moskit-provenance",
#     "moskit-secondopinion",
#     "moskit-signalaudit",
# ]
#
# [tool.uv]
# python-preference = "system"
#
# [tool.uv.sources]
# moskit-labeljoin = { path = "../packages/labeljoin", editable = true }
# moskit-moshead = { path = "../packages/moshead", editable = true }
# moskit-provenance = { path = "../packages/provenance", editable = true }
# moskit-secondopinion = { path = "../packages/secondopinion", editable = true }
# moskit-signalaudit = { path = "../packages/signalaudit", editable = true }
# ///
"""Run the whole job: join labels and scores, audit, train, check, predict and verify.

    uv run examples/quickstart.py               on sample data that the script makes
    uv run examples/quickstart.py --data DIR    on your own tables

DIR must contain ``features.parquet`` and ``labels.csv``; its folder ``scores/`` may contain
``dover.csv``, ``dover_branches.jsonl`` and ``niqe.csv``. The results are in quickstart-output/.
Each step calls one public function, and prints the command that does the same.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import labeljoin
import moshead
import provenance
import pyarrow.compute as pc
import secondopinion
import signalaudit
from provenance import MoskitError
from rich.console import Console, Group
from rich.panel import Panel
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text
from sample_data import write_sample_data

if TYPE_CHECKING:
    from provenance.toolkit import ProgressCallback

SCHEMA = """\
id = "quickstart-v1"
columns = ["videval_*", "brisque_*", "second_opinion_*_score"]
"""
VERIFIED = (
    "labelled.parquet",
    "scored.parquet",
    "audit.html",
    "head.onnx",
    "card.md",
    "predictions.parquet",
)
SCORE_FILES = ("dover=scores/dover.csv", "scores/dover_branches.jsonl", "niqe=scores/niqe.csv")

console = Console(highlight=False)


@dataclass(frozen=True)
class Workplace:
    """The folder of the input tables and the folder of the results."""

    data: Path
    out: Path

    @property
    def features(self) -> Path:
        """The raw feature table."""
        return self.data / "features.parquet"

    @property
    def labels(self) -> Path:
        """The label file."""
        return self.data / "labels.csv"

    @property
    def scores(self) -> list[str]:
        """The scorer outputs that exist, as ``[LABEL=]PATH``."""
        found = []
        for entry in SCORE_FILES:
            label, _, name = entry.rpartition("=")
            if (self.data / name).exists():
                found.append(f"{label}={self.data / name}" if label else str(self.data / name))
        return found


@contextmanager
def step(number: int, title: str, command: str) -> Iterator[ProgressCallback]:
    """Show a progress bar during a step; then print its title, its time and its command."""
    begun = time.monotonic()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        task = bars.add_task(title.lower(), total=None)

        def progress(what: str, done: int, total: int | None) -> None:
            bars.update(task, description=what, completed=done, total=total)

        yield progress
    announce(number, title, f"{time.monotonic() - begun:.1f} s")
    console.print(Text(shell_lines(command), style="dim"), soft_wrap=True)


def announce(number: int, title: str, at_the_end: str = "") -> None:
    """Print the heading of a step."""
    ruled = console.width - len(f"{number}  {title}  {at_the_end} ")
    console.print()
    console.print(
        f"[bold cyan]{number}[/]  [bold]{title}[/] [dim]{'─' * ruled} {at_the_end}[/]", no_wrap=True
    )


def shell_lines(command: str, width: int = 78) -> str:
    """Break a command between words, so that it can be copied from a terminal."""
    # Keep an option and its value on one line.
    kept_together = re.sub(r"( --\S+) ", r"\1\0", command)
    lines = textwrap.wrap(
        f"$ {kept_together}",
        width,
        subsequent_indent=" " * 4,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return " \\\n".join(lines).replace("\0", " ")


def counted(number: int, what: str, several: str) -> str:
    """Return a number with its noun in singular or plural."""
    return f"{number:,} {what if number == 1 else several}"


def facts(*rows: tuple[str, object]) -> Table:
    """Return a table of names and values."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="cyan", no_wrap=True)
    table.add_column()
    for what, value in rows:
        table.add_row(what, str(value))
    return table


def make_data(out: Path) -> Path:
    """Make the sample tables, and list their faults."""
    announce(0, "Sample data")
    sample = write_sample_data(out)
    console.print(
        f"Made a feature table of {sample.clips:,} clips, a label CSV and the files of three "
        "scorers, with typical faults:"
    )
    console.print(
        facts(
            ("keys", "the features identify clips by path, the labels by number"),
            ("labels", f"{sample.missing_labels} clips have no label, {sample.stale_labels} "
             "labels have no clip, one label is repeated"),
            ("DOVER", f"{sample.missing_dover} clips have no score; blanks after the commas"),
            ("NIQE", f"no header, lower is better, and {sample.bad_niqe} score is nan"),
            ("features", f"{sample.nan_features} values are NaN"),
        )
    )  # fmt: skip
    return sample.folder


def label(place: Workplace) -> Path:
    """Join the MOS labels onto the features."""
    out = place.out / "labelled.parquet"
    command = f"labeljoin join --features {place.features} --labels {place.labels} --out {out}"
    with step(1, "Labels", command) as progress:
        audit = labeljoin.join_file(place.features, place.labels, out, progress=progress)
    console.print(
        facts(
            ("keys", f"{audit['feature_key_column']} = {audit['label_key_column']}, found by name; "
             f"paths and suffixes normalised by '{audit['key_normalize']}'"),
            ("coverage", f"[bold]{100 * audit['match_rate']:.1f} %[/] of the clips: "
             f"{audit['matched_feature_keys']:,} of {audit['total_feature_keys']:,}"),
            ("scale", f"{audit['label_scale']['scale']}, decided by "
             f"{audit['label_scale']['decided_by']}: {audit['label_scale']['evidence']}"),
            ("missing", f"{counted(audit['missing_rows'], 'row', 'rows')}, kept with a null; "
             "see mos_label_status"),
            ("stale", f"{counted(audit['stale_label_keys']['count'], 'label', 'labels')} "
             "without a clip"),
            ("repeated", f"{counted(audit['duplicate_labels_collapsed'], 'label', 'labels')} "
             "repeated with equal values"),
            ("engine", f"{audit['engine']}: the features' own bytes were copied, not re-encoded"),
        )
    )  # fmt: skip
    return out


def score(place: Workplace, labelled: Path) -> Path:
    """Join the scores of other quality models."""
    out = place.out / "scored.parquet"
    scores = " ".join(f"--scores {path}" for path in place.scores)
    command = f"secondopinion join --features {labelled} {scores} --out {out}"
    with step(2, "Second opinions", command) as progress:
        audit = secondopinion.join_file(labelled, place.scores, out, progress=progress)
    table = Table(box=None, header_style="dim", pad_edge=False)
    for heading in ("scorer", "ok", "missing", "bad", "better is"):
        table.add_column(heading, justify="left" if heading in ("scorer", "better is") else "right")
    for scorer in audit["scorers"]:
        rows = scorer["rows"]
        counts = [
            f"{rows[status]:,}" if rows[status] else "·" for status in ("ok", "missing", "bad")
        ]
        table.add_row(scorer["slug"], *counts, scorer["direction"] or "unknown")
    console.print(table)
    return out


def audit_signal(place: Workplace, scored: Path) -> None:
    """Report which kinds of quality the table can measure."""
    page = place.out / "audit.html"
    command = (
        f"signalaudit report --input {scored} --target mos --out-json {place.out / 'audit.json'} "
        f"--out-md {place.out / 'audit.md'} --out-html {page}"
    )
    with step(3, "Signal audit", command) as progress:
        document = signalaudit.write_report(
            [scored],
            place.out / "audit.json",
            target="mos",
            out_md=place.out / "audit.md",
            out_html=page,
            progress=progress,
        )
    [audited] = document["tables"]
    having = {
        status: [key for key, family in audited["families"].items() if family["status"] == status]
        for status in ("covered", "weak", "missing")
    }
    console.print(
        facts(
            ("covered", ", ".join(having["covered"]) or "nothing"),
            ("weak", ", ".join(having["weak"]) or "nothing"),
            (
                "missing",
                f"{counted(len(having['missing']), 'family', 'families')}; audit.html names them",
            ),
        )
    )
    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column("strongest columns")
    table.add_column("PLCC with MOS", justify="right")
    table.add_column("95 % interval", justify="right")
    strongest = sorted(
        (entry for entry in audited["target_correlations"] if entry["pearson"] is not None),
        key=lambda entry: -abs(entry["pearson"] or 0),
    )
    for entry in strongest[:5]:
        low, high = entry["pearson_ci"]
        table.add_row(entry["column"], f"{entry['pearson']:+.3f}", f"{low:+.3f} to {high:+.3f}")
    console.print(table)
    for gain in audited["gain"]:
        if gain["kind"] == "second_opinions":
            console.print(
                "The second opinions lift a plain linear model from PLCC "
                f"{gain['rest_plcc']:.3f} to [bold]{gain['all_plcc']:.3f}[/]."
            )


def train(place: Workplace, scored: Path) -> Path:
    """Train a head on 5 folds by 5 seeds, and check it against the gate."""
    schema = place.out / "schema.toml"
    schema.write_text(SCHEMA, encoding="utf-8")
    onnx = place.out / "head.onnx"
    command = (
        f"moshead train --features {scored} --feature-schema {schema} "
        f"--model-id quickstart_head --out-onnx {onnx} --out-card {place.out / 'card.md'} "
        f"--out-oof {place.out / 'out_of_fold.parquet'}"
    )
    with step(4, "Training and the gate", command) as progress:
        manifest = moshead.train(
            [scored],
            schema,
            "quickstart_head",
            destinations=moshead.Destinations(
                onnx=onnx,
                manifest=place.out / "head.json",
                card=place.out / "card.md",
                oof=place.out / "out_of_fold.parquet",
            ),
            progress=progress,
        )
    console.print(gate_table(manifest))
    return onnx


def gate_table(manifest: dict[str, Any]) -> Group:
    """Return a table of the gated numbers with thresholds and confidence intervals."""
    gate = manifest["gate"]
    thresholds = gate["thresholds"]
    table = Table(box=None, header_style="dim", pad_edge=False)
    for heading in ("gate", "measured", "95 % interval", "needed", ""):
        table.add_column(heading, justify="left" if heading in ("gate", "") else "right")
    for name, key, more_is_better in (
        ("mean PLCC", "mean_plcc", True),
        ("mean SROCC", "mean_srocc", True),
        ("mean RMSE", "mean_rmse", False),
        ("PLCC spread over seeds", "plcc_spread", False),
    ):
        needed = thresholds[f"{key}_{'min' if more_is_better else 'max'}"]
        met = gate[key] >= needed if more_is_better else gate[key] <= needed
        low, high = gate["ci"][key]
        table.add_row(
            name,
            f"[bold]{gate[key]:.4f}[/]",
            f"{low:.4f} to {high:.4f}",
            f"{'≥' if more_is_better else '≤'} {needed:g}",
            "[green]✓[/]" if met else "[red]✗[/]",
        )
    recipe = manifest["training_recipe"]
    verdict = "[bold green]" if gate["passed"] else "[bold red]"
    return Group(
        f"{recipe['n_rows']:,} clips, {len(manifest['feature_order'])} features, "
        f"{manifest['n_parameters']:,} parameters; 5 folds by 5 seeds, every number from clips "
        "that the model was not trained on.",
        table,
        f"Verdict: {verdict}{gate['status']}[/]",
    )


def predict(place: Workplace, onnx: Path, scored: Path) -> Path:
    """Predict every clip, with an interval, from the ONNX file alone."""
    out = place.out / "predictions.parquet"
    command = f"moshead predict --onnx {onnx} --features {scored} --out {out}"
    with step(5, "Predictions", command) as progress:
        moshead.predict_file(onnx, scored, out, progress=progress)
    predicted = labeljoin.open_table(out).read()
    key = predicted.column_names[0]
    order = pc.sort_indices(predicted["mos_pred"]).to_pylist()
    table = Table(box=None, header_style="dim", pad_edge=False)
    for heading in (key, "MOS", "1 [dim]bad[/]" + " " * 15 + "[dim]excellent[/] 5"):
        table.add_column(heading)
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        row = predicted.slice(order[round(share * (len(order) - 1))], 1).to_pylist()[0]
        table.add_row(str(row[key]), f"{row['mos_pred']:.2f}", interval(row))
    console.print(
        "From the worst clip to the best; 90 % of MOS values should be in their intervals:"
    )
    console.print(table)
    return out


def interval(row: dict[str, Any], width: int = 32) -> Text:
    """Draw a prediction and its interval on the scale from 1 to 5."""

    def place(mos: float) -> int:
        return min(width - 1, max(0, round((mos - 1) / 4 * (width - 1))))

    low, middle, high = (place(row[name]) for name in ("mos_pred_lo", "mos_pred", "mos_pred_hi"))
    line = Text("·" * width, style="dim")
    line = Text.assemble(line[:low], ("━" * (high - low + 1), "cyan"), line[high + 1 :])
    return Text.assemble(line[:middle], ("●", "bold"), line[middle + 1 :])


def prove(place: Workplace, onnx: Path) -> None:
    """Verify all files; then change one bit in a copy and verify the copy."""
    with step(6, "Proof", f"cd {place.out} && provenance verify {' '.join(VERIFIED)}"):
        outcome = provenance.verify([place.out / name for name in VERIFIED])
    if not outcome.ok:
        for problem in outcome.problems():
            console.print(f"[red]✗[/] {problem.name}: {problem.status}")
        sys.exit(1)
    runs = provenance.trace(onnx).runs
    console.print(f"[green]✓[/] {len(VERIFIED)} files match their run records.")
    console.print(f"[green]✓[/] {onnx.name} is traced through {len(runs)} runs to the raw labels.")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        shutil.copytree(place.out, copy)
        head = bytearray((copy / onnx.name).read_bytes())
        head[len(head) // 2] ^= 1
        (copy / onnx.name).write_bytes(head)
        damaged = provenance.verify([copy / onnx.name])
    if damaged.ok:
        sys.exit("A damaged head was accepted. This is a bug in moskit.")
    console.print(f"[green]✓[/] A copy of {onnx.name} with one changed bit was rejected.")


def show_outputs(place: Workplace, seconds: float) -> None:
    """List the results."""
    what = {
        "card.md": "the head's model card",
        "audit.html": "what the table can measure, for a browser",
        "head.onnx": "the head, all you need to predict",
        "head.json": "its manifest and run record",
        "predictions.parquet": "MOS with intervals for every clip",
    }
    rows = [(str(place.out / name), meaning) for name, meaning in what.items()]
    rows += [(str(path), "predicted against rated MOS") for path in sorted(place.out.glob("*.png"))]
    console.print()
    console.print(Panel(facts(*rows), title=f"Done in {seconds:.0f} s", border_style="green"))
    trace = f"uv run --only-group commands provenance trace {place.out / 'head.onnx'}"
    console.print(f"Where the head came from:\n[bold]{trace}[/]", soft_wrap=True)


def main() -> None:
    """Run all steps."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="a folder laid out like konvid1k")
    parser.add_argument("--out", type=Path, default=Path("quickstart-output"))
    arguments = parser.parse_args()
    begun = time.monotonic()
    arguments.out.mkdir(parents=True, exist_ok=True)
    try:
        place = Workplace(arguments.data or make_data(arguments.out), arguments.out)
        scored = score(place, label(place))
        audit_signal(place, scored)
        onnx = train(place, scored)
        predict(place, onnx, scored)
        prove(place, onnx)
    except MoskitError as error:
        console.print(f"[red]error:[/] {error}")
        sys.exit(error.exit_code)
    show_outputs(place, time.monotonic() - begun)


if __name__ == "__main__":
    main()
