"""Tables in an object store: read by ranges, spliced by the server, published in one step."""

import hashlib
import io
import json
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import boto3
import duckdb
import labeljoin
import numpy as np
import object_server as misbehave
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from labeljoin import JoinOptions
from object_server import BUCKET, Dropping, Then
from provenance.stores import registry, shadow
from provenance.toolkit import InputError, OutputError

ROWS = 60_000
CLIPS = 600

FEATURES = f"s3://{BUCKET}/tables/features.parquet"
LABELS = f"s3://{BUCKET}/tables/labels.csv"
OUT = f"s3://{BUCKET}/out/labelled.parquet"


ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "AKIATESTTESTTEST",
    "AWS_SECRET_ACCESS_KEY": "a-secret-of-the-test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """A folder with features of 8 MB, features of a few rows, and labels of all clips but one."""
    folder = tmp_path_factory.mktemp("tables")
    random = np.random.default_rng(1)
    clips = [f"clips/{row // (ROWS // CLIPS):04}.mp4" for row in range(ROWS)]
    columns = {f"f{number}": random.normal(size=ROWS) for number in range(16)}
    table = pa.table({"clip": clips, **columns})
    pq.write_table(table, folder / "features.parquet", row_group_size=20_000)
    pq.write_table(table.slice(0, 500), folder / "small.parquet")
    rows = [f"{clip:04}.mp4,{1 + clip % 4}\n" for clip in range(1, CLIPS)]
    (folder / "labels.csv").write_text("clip,mos\n" + "".join(rows))
    (folder / "features.csv").write_text("clip,f0\n" + "".join(f"{c},1\n" for c in clips[:500]))
    return folder


@pytest.fixture(scope="module")
def local(tables):
    """The bytes that a join on this machine writes."""
    out = tables.parent / "local.parquet"
    labeljoin.join_file(
        tables / "features.parquet", tables / "labels.csv", out, label_names=[LABELS]
    )
    return out.read_bytes()


@pytest.fixture(scope="module")
def server(tables):
    """A server whose bucket holds the tables."""
    with misbehave.served() as found, pytest.MonkeyPatch.context() as patch:
        for name, value in {**ENVIRONMENT, "AWS_ENDPOINT_URL": found.url}.items():
            patch.setenv(name, value)
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET)
        for path in tables.iterdir():
            client.upload_file(str(path), BUCKET, f"tables/{path.name}")
        found.client = client
        yield found


@pytest.fixture
def store(server, here, monkeypatch):
    """A client of the server, for a test that knows nothing of the tests before it."""
    registry._storage.cache_clear()
    shadow._shadows_of.cache_clear()
    server.forget()
    yield server.client
    server.forget()
    assert not uploads(server.client)
    for key in written(server.client):
        server.client.delete_object(Bucket=BUCKET, Key=key)


def written(client):
    found = client.list_objects_v2(Bucket=BUCKET, Prefix="out/").get("Contents", ())
    return [each["Key"] for each in found]


def uploads(client):
    return client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])


def content(client, key="out/labelled.parquet"):
    return client.get_object(Bucket=BUCKET, Key=key)["Body"].read()


def sha256_of(data):
    return hashlib.sha256(data).hexdigest()


def join(features=FEATURES, out=OUT, labels=LABELS, **options):
    return labeljoin.join_file(features, labels, out, **options)


def assert_same_table(made, local):
    """The same chunks byte for byte, and the same rows for three readers."""
    ours, theirs = (pq.ParquetFile(io.BytesIO(data)).metadata for data in (made, local))
    ends = []
    for group in range(theirs.num_row_groups):
        for column in range(theirs.num_columns):
            one, other = (m.row_group(group).column(column) for m in (ours, theirs))
            assert one.to_dict() == other.to_dict()
            first = other.dictionary_page_offset or other.data_page_offset
            ends.append(first + other.total_compressed_size)
    last = max(ends)
    assert made[:last] == local[:last]
    expected = pq.read_table(io.BytesIO(local))
    assert pq.read_table(io.BytesIO(made)).equals(expected)
    assert pl.read_parquet(io.BytesIO(made)).equals(pl.from_arrow(expected))


def test_the_server_copies_the_features_and_little_crosses_the_wire(store, server, local, here):
    audit = join()
    moved = server.moved
    made = content(store)

    assert audit["engine"] == "parquet-splice"
    assert audit["engine_reason"] is None
    assert_same_table(made, local)
    (here / "made.parquet").write_bytes(made)
    count = "SELECT count(*), count(mos), sum(mos) FROM 'made.parquet'"
    assert duckdb.sql(count).fetchall() == [(ROWS, ROWS - ROWS // CLIPS, 149_900.0)]

    metadata = pq.ParquetFile(io.BytesIO(local)).metadata
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    key = sum(group.column(0).total_compressed_size for group in groups)
    new = sum(g.column(c).total_compressed_size for g in groups for c in range(17, g.num_columns))
    labels = len(content(store, "tables/labels.csv"))
    documents = len(content(store, "out/labelled.parquet.audit.json"))
    needed = key + new + labels + documents + 2 * metadata.serialized_size
    assert moved < 1.1 * needed + (160 << 10)  # 64 KiB at both ends, and what requests say
    assert moved < 0.05 * len(local)

    block = json.loads(content(store, "out/labelled.parquet.audit.json"))["run_provenance"]
    features, out = block["inputs"]["features"], block["outputs"]["out"]
    head = store.head_object(Bucket=BUCKET, Key="tables/features.parquet")
    assert features["path"] == FEATURES
    assert features["object"]["etag"] == head["ETag"]
    assert features["bytes"] == head["ContentLength"]
    assert features["sha256"] is None  # nobody read all of it
    assert len(block["inputs"]["labels"][0]["sha256"]) == 64
    assert out["path"] == "labelled.parquet"
    assert (
        out["object"]["etag"]
        == store.head_object(Bucket=BUCKET, Key="out/labelled.parquet")["ETag"]
    )
    assert out["prefix"]["path"] == FEATURES
    assert audit == json.loads(content(store, "out/labelled.parquet.audit.json"))
    assert [path.name for path in here.iterdir()].count("s3:") == 0


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (misbehave.no_part_copy, "the store does not copy parts of objects"),
        (misbehave.no_range_in_copies, "the store copies other bytes than it is asked for"),
    ],
)
def test_a_store_that_cannot_copy_parts_gets_them_streamed(store, server, local, rule, reason):
    server.rules = [rule]
    audit = join()
    server.rules = []
    made = content(store)
    assert (audit["engine"], audit["engine_reason"]) == ("parquet-splice-streamed", reason)
    assert_same_table(made, local)
    block = audit["run_provenance"]
    assert block["outputs"]["out"]["sha256"] == sha256_of(made)
    whole = content(store, "tables/features.parquet")
    assert block["inputs"]["features"]["sha256"] == sha256_of(whole)


def test_a_small_object_is_streamed(store):
    audit = join(f"s3://{BUCKET}/tables/small.parquet", options=JoinOptions(min_match_rate=0))
    assert audit["engine"] == "parquet-splice-streamed"
    assert audit["engine_reason"] == "the object is smaller than a part may be"
    made = content(store)
    assert pq.read_table(io.BytesIO(made)).num_rows == 500
    assert audit["run_provenance"]["outputs"]["out"]["sha256"] == sha256_of(made)


def test_connections_that_drop_are_made_again(store, server, local):
    server.rules = [Dropping("GET", 3)]
    join()
    assert server.rules[0].left == 0
    server.rules = []
    assert_same_table(content(store), local)


def test_a_store_without_conditions_is_asked_what_is_there(store, server, local):
    server.rules = [misbehave.no_conditions]
    join()
    server.rules = []
    assert_same_table(content(store), local)


def test_an_output_that_another_program_writes_meanwhile_is_kept(store, server):
    def write():
        store.put_object(Bucket=BUCKET, Key="out/labelled.parquet", Body=b"theirs")

    meanwhile = Then(lambda r: "uploadId=" in r.path and r.method == "PUT", write)
    server.rules = [meanwhile, misbehave.conditions]
    with pytest.raises(OutputError, match="Another program wrote it") as failure:
        join()
    server.rules = []
    assert failure.value.code == "store.target-changed"
    assert content(store) == b"theirs"
    assert written(store) == ["out/labelled.parquet"]


def test_a_source_that_changes_meanwhile_is_refused(store, server):
    features = copied(store)

    def write():
        store.put_object(Bucket=BUCKET, Key="out/features.parquet", Body=b"new")

    server.rules = [Then(lambda request: request.is_part_copy, write), misbehave.conditions]
    with pytest.raises(InputError, match="changed"):
        join(features)
    server.rules = []
    assert written(store) == ["out/features.parquet"]


def copied(client):
    """A copy of the features that a test may change."""
    source = {"Bucket": BUCKET, "Key": "tables/features.parquet"}
    client.copy_object(Bucket=BUCKET, Key="out/features.parquet", CopySource=source)
    return f"s3://{BUCKET}/out/features.parquet"


def test_in_place_replaces_the_object_and_a_rewrite_replaces_columns(store, local):
    features = copied(store)
    with pytest.raises(InputError, match="--in-place"):
        join(features, features)
    join(features, features, in_place=True)
    assert_same_table(content(store, "out/features.parquet"), local)
    audit = join(features, options=JoinOptions(overwrite=True))
    assert audit["engine"] == "parquet-rewrite"
    assert pq.read_table(io.BytesIO(content(store))).equals(pq.read_table(io.BytesIO(local)))


def test_text_tables_and_mixed_places(store, tables, here, local):
    options = JoinOptions(min_match_rate=0)
    audit = join(f"s3://{BUCKET}/tables/features.csv", f"s3://{BUCKET}/out/f.csv", options=options)
    assert audit["run_provenance"]["inputs"]["features"]["sha256"]
    assert audit["run_provenance"]["outputs"]["out"]["object"]
    join(tables / "features.csv", here / "f.csv", tables / "labels.csv",
         options=options, label_names=[LABELS])  # fmt: skip
    assert content(store, "out/f.csv") == (here / "f.csv").read_bytes()

    down = join(out=here / "down.parquet")
    assert down["run_provenance"]["inputs"]["features"]["sha256"] == sha256_of(
        content(store, "tables/features.parquet")
    )
    assert (here / "down.parquet").read_bytes() == local
    up = join(f"file://{tables}/features.parquet")
    assert up["run_provenance"]["outputs"]["out"]["sha256"] == sha256_of(local)
    assert content(store) == local


ERRORS = [
    (f"s3://{BUCKET}/tables/none.parquet", None, "store.missing|file.missing", "no such"),
    ("s3://no-such-bucket/f.parquet", None, "store.no-bucket", "There is no bucket no-such-bucket"),
    (FEATURES, misbehave.denied, "store.read-denied", "denies access"),
    (FEATURES, misbehave.no_ranges, "store.ignores-ranges", "other bytes than were asked"),
    (f"s3://{BUCKET}", None, "store.no-key", "needs a bucket and a key"),
    (f"s3://{BUCKET}/a//b.parquet", None, "store.odd-key", "empty part"),
    ("https://host/f.parquet", None, "store.unknown-scheme", "https://"),
    (LABELS.replace("s3:", "file:"), None, "store.other-machine", "another machine"),
]


@pytest.mark.parametrize(("features", "rule", "code", "words"), ERRORS)
def test_what_cannot_be_read_is_one_sentence(command, store, server, features, rule, code, words):
    server.rules = [rule] if rule else []
    outcome = command(
        "join", "--features", features, "--labels", LABELS, "--out", OUT, "--json", code=2
    )
    server.rules = []
    error = json.loads(outcome.out)["error"]
    assert error["code"] in code.split("|")
    assert words in error["what"]
    assert "secret" not in outcome.out + outcome.err
    assert not written(store)


def test_a_bucket_without_write_permission_gets_nothing(command, store, server):
    server.rules = [misbehave.read_only]
    outcome = command("join", "--features", FEATURES, "--labels", LABELS, "--out", OUT, code=74)
    server.rules = []
    assert "denies access to write it" in outcome.err
    assert not written(store)


def test_a_dry_run_writes_nothing(command, store):
    arguments = ("--features", FEATURES, "--labels", LABELS, "--out", OUT)
    outcome = command("join", *arguments, "--dry-run", "--json")
    assert json.loads(outcome.out)["schema"] == "mos-label-inspection-v1"
    assert not written(store)


def test_a_missing_library_is_named(command, store, monkeypatch):
    registry._storage.cache_clear()
    monkeypatch.setitem(sys.modules, "boto3", None)
    outcome = command("join", "--features", FEATURES, "--labels", LABELS, "--out", OUT, code=2)
    assert "pip install 'moskit-labeljoin[s3]'" in outcome.err
    registry._storage.cache_clear()


def test_local_tables_do_not_load_the_library(tables, here):
    code = (
        "import sys, labeljoin;"
        f"labeljoin.join_file({str(tables / 'small.parquet')!r}, {str(tables / 'labels.csv')!r}, "
        "'o.parquet', labeljoin.JoinOptions(min_match_rate=0));"
        "assert not {'boto3', 'botocore', 'obstore'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_interrupted_run_leaves_neither_objects_nor_an_upload(process, store, server):
    with ThreadPoolExecutor(1) as pool:
        started: list[subprocess.Popen] = []

        def interrupt():
            started[0].send_signal(signal.SIGTERM)
            time.sleep(0.3)

        stop = Then(
            lambda request: request.is_part_copy,
            interrupt,
        )
        server.rules = [stop]
        running = process("join", "--features", FEATURES, "--labels", LABELS, "--out", OUT)
        started.append(running)
        _, err = pool.submit(running.communicate).result(timeout=60)
    server.rules = []
    assert running.returncode == 130, err
    assert stop.done
    assert "Traceback" not in err
    assert not written(store)
