"""``provenance sign``: a run record signed with a key of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from provenance.cli import flags
from provenance.toolkit import CommandLine, Facts, Output, shown_path


def register(cli: CommandLine) -> None:
    """Add the command to ``cli``."""
    cli.command(example="provenance sign model.onnx --key private.pem")(sign)


def sign(
    output: Output,
    file: Annotated[
        Path,
        typer.Argument(help="A record, or a file that a run has made.", show_default=False),
    ],
    key: Annotated[
        Path,
        typer.Option(
            "--key",
            metavar="PRIVATE.pem",
            help="The private key, ECDSA P-256 or Ed25519. The password of an encrypted one is "
            "taken from PROVENANCE_KEY_PASSWORD.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="Where the envelope will be; <record>.intoto.jsonl by default.",
            show_default=False,
        ),
    ] = None,
    root: flags.RecordRoots = None,
) -> None:
    """Sign the record of a file, offline: a DSSE envelope around its in-toto statement.

    The record states the digests of all inputs and outputs, so its signature holds for them too.
    They are not hashed again: run provenance verify first.
    """
    from provenance.exports.sign import sign as sign_record

    signed = sign_record(file, key=key, out=out, roots=root or ())
    facts = [
        ("record", shown_path(signed.record)),
        ("envelope", shown_path(signed.envelope)),
        ("key", signed.keyid),
    ]
    others = len(signed.signers) - 1
    if others:
        facts.append(("signatures", f"this one and {others} of other keys"))
    output.result(signed.to_document(), Facts(facts))
