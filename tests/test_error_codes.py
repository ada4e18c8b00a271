"""Every error has a stable code of its own."""

from __future__ import annotations

import re
from collections import Counter

from error_codes import PACKAGES, error_sites, page

SITES = error_sites()
CODE = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")
COMPLETE = ("provenance", "labeljoin", "secondopinion", "signalaudit", "moshead")
"""The packages whose errors all have codes."""


def test_the_errors_are_found() -> None:
    assert len(SITES) > 300
    assert {site.package for site in SITES} == set(PACKAGES)


def test_every_error_has_a_literal_code() -> None:
    missing = [
        f"{site.path}:{site.line} {site.kind}: {site.what}"
        for site in SITES
        if site.package in COMPLETE and site.code is None
    ]
    assert missing == []


def test_codes_are_well_formed() -> None:
    codes = {site.code for site in SITES if site.code is not None}
    assert sorted(code for code in codes if not CODE.fullmatch(code)) == []


def test_one_code_is_one_kind_of_error() -> None:
    counts = Counter(site.code for site in SITES if site.code is not None)
    repeated = [code for code, count in counts.items() if count > 1]
    assert [f"{s.path}:{s.line} {s.code}" for s in SITES if s.code in repeated] == []


def test_the_page_has_every_code() -> None:
    text = page(SITES)
    assert [site.code for site in SITES if site.code and f"| `{site.code}` |" not in text] == []
