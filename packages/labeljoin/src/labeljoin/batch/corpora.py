"""Ready manifests for public corpora: what differs between corpora is manifest entries."""

from __future__ import annotations

import copy
from typing import Any

from provenance.toolkit import InputError

from labeljoin.facts import MANIFEST_SCHEMA

_KONVID_ID = "([0-9]{9,11})"

CORPORA: dict[str, dict[str, Any]] = {
    # The benchmark's metadata CSV: flickr_id, mos on 1-5.
    "konvid-1k": {
        "labels": ["konvid-1k/labels.csv"],
        "label_key_column": "flickr_id",
        "label_mos_column": "mos",
        "label_scale": "1-5",
        "feature_key_regex": _KONVID_ID,
        "label_key_regex": _KONVID_ID,
    },
    # k150ka has five ratings a clip, k150kb far more; both name clips orig_<id>_540p_5s.mp4.
    "konvid-150k": {
        "labels": ["konvid-150k/k150ka_scores.csv", "konvid-150k/k150kb_scores.csv"],
        "label_key_column": "video_name",
        "label_mos_column": "video_score",
        "label_scale": "1-5",
        "feature_key_regex": _KONVID_ID,
        "label_key_regex": _KONVID_ID,
    },
    # Keys are the 32 hex digits of each encoded clip; sos_j is the deviation on 0-100.
    "chug": {
        "labels": ["chug/chug.csv"],
        "label_key_column": "Video",
        "label_mos_column": "mos_j",
        "label_scale": "0-100",
        "feature_key_regex": "([0-9a-f]{32})",
        "label_key_regex": "([0-9a-f]{32})",
        "extras": ["mos_std_dev=sos_j"],
    },
    "live-vqc": {
        "labels": ["live-vqc/labels.csv"],
        "label_key_column": "File",
        "label_mos_column": "MOS",
        "label_scale": "0-100",
        "key_normalize": "stem",
    },
    # vid has no suffix; feature paths may end in .mkv, .mp4 or _crf_10_ss_00_t_20.0.mp4.
    "youtube-ugc": {
        "labels": ["youtube-ugc/labels.csv"],
        "label_key_column": "vid",
        "label_mos_column": "MOSFull",
        "label_scale": "1-5",
        "feature_key_regex": "([A-Za-z]+_[0-9]+P-[0-9a-f]{4})",
        "label_key_regex": "([A-Za-z]+_[0-9]+P-[0-9a-f]{4})",
    },
    # Names repeat between folders (yfcc-batch1/747, yfcc-batch2/747), so the folder is in the key.
    "lsvq": {
        "labels": ["lsvq/labels.csv"],
        "label_key_column": "name",
        "label_mos_column": "mos",
        "label_scale": "0-100",
        "key_normalize": "raw",
        "feature_key_regex": r"([^/\\]+/[^/\\]+?)(?:\.[A-Za-z0-9]+)?$",
        "label_key_regex": r"([^/\\]+/[^/\\]+?)(?:\.[A-Za-z0-9]+)?$",
    },
    # BVI sets publish their scores in several layouts: adapt file and columns to your copy.
    "bvi": {
        "labels": ["bvi/labels.csv"],
        "label_key_column": "name",
        "label_mos_column": "mos",
        "label_scale": "0-100",
        "key_normalize": "stem",
    },
    # HDR, 41,419 clips. Adapt file and columns to your copy.
    "beyond8bits": {
        "labels": ["beyond8bits/labels.csv"],
        "label_key_column": "video",
        "label_mos_column": "mos",
        "label_scale": "0-100",
        "key_normalize": "stem",
    },
    # HDR, 2,100 clips of 300 contents. Its file has CHUG's columns.
    "brightvq": {
        "labels": ["brightvq/BrightVQ.csv"],
        "label_key_column": "Video",
        "label_mos_column": "mos_j",
        "label_scale": "0-100",
        "feature_key_regex": "([0-9a-f]{32})",
        "label_key_regex": "([0-9a-f]{32})",
        "extras": ["mos_std_dev=sos_j"],
    },
}
"""What the tables of each corpus give beside ``id``, ``features`` and ``out``."""


def corpus_manifest(corpus: str) -> dict[str, Any]:
    """A manifest for a corpus, whose paths are to be adapted.

    Args:
        corpus: One of :data:`CORPORA`.

    Raises:
        InputError: There is no such corpus.

    Examples:
        >>> corpus_manifest("konvid-1k")["tables"][0]["label_scale"]
        '1-5'
    """
    if corpus not in CORPORA:
        raise InputError(
            f"unknown corpus {corpus!r}",
            fix=f"Use one of {', '.join(CORPORA)}",
            code="batch.unknown-corpus",
        )
    return {
        "schema": MANIFEST_SCHEMA,
        "defaults": {"min_match_rate": 0.95, "max_keyless_rate": 0.05},
        "tables": [
            {
                "id": corpus,
                "features": f"{corpus}/features.parquet",
                "out": f"{corpus}/labelled.parquet",
                **copy.deepcopy(CORPORA[corpus]),
            }
        ],
    }
