"""Events as producers send them: by the official client, and in the shapes of Spark, Airflow and dbt."""

from __future__ import annotations

import uuid

import pytest
from harness.events import at, facet, import_file
from harness.lineage import CSV
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import (
    DatasetEvent,
    InputDataset,
    Job,
    JobEvent,
    OutputDataset,
    Run,
    RunEvent,
    RunState,
    StaticDataset,
)
from openlineage.client.facet_v2 import (
    column_lineage_dataset,
    dataset_version_dataset,
    input_statistics_input_dataset,
    output_statistics_output_dataset,
    parent_run,
    schema_dataset,
    sql_job,
    symlinks_dataset,
)
from openlineage.client.transport.file import FileConfig, FileTransport

LAKE = "s3://lake"


@pytest.fixture(params=["one file", "a file an event"])
def client(request, tmp_path):
    """The official client, writing to files; `client.place` is what to import."""
    folder = tmp_path / "sent"
    folder.mkdir()
    together = request.param == "one file"
    path = folder / "events.ndjson" if together else folder / "event"
    made = OpenLineageClient(transport=FileTransport(FileConfig(str(path), append=together, debug_mode=not together)))
    made.place = path if together else folder
    return made


def test_what_the_official_client_writes(client, bare):
    run, parent = str(uuid.uuid4()), str(uuid.uuid4())
    raw = InputDataset(
        LAKE,
        "raw/orders",
        facets={
            "schema": schema_dataset.SchemaDatasetFacet([schema_dataset.SchemaDatasetFacetFields("id", "long")]),
            "version": dataset_version_dataset.DatasetVersionDatasetFacet("17"),
        },
        inputFacets={"inputStatistics": input_statistics_input_dataset.InputStatisticsInputDatasetFacet(rowCount=10)},
    )
    one = column_lineage_dataset.InputField(
        LAKE, "raw/orders", "id", [column_lineage_dataset.Transformation("DIRECT", "IDENTITY")]
    )
    seed = column_lineage_dataset.InputField(LAKE, "seeds/countries", "name")
    clean = OutputDataset(
        LAKE,
        "clean/orders",
        facets={
            "columnLineage": column_lineage_dataset.ColumnLineageDatasetFacet(
                {"id": column_lineage_dataset.Fields([one]), "country": column_lineage_dataset.Fields([seed])}
            ),
            "symlinks": symlinks_dataset.SymlinksDatasetFacet(
                [symlinks_dataset.Identifier("hive://m:9083", "shop.orders", "TABLE")]
            ),
        },
        outputFacets={
            "outputStatistics": output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(rowCount=9, size=90)
        },
    )
    job = Job("etl", "clean", facets={"sql": sql_job.SQLJobFacet("select * from orders")})
    above = parent_run.ParentRunFacet(parent_run.Run(parent), parent_run.Job("airflow", "dag"))
    started = Run(run, facets={"parent": above})
    client.emit(RunEvent(eventTime=at(0), producer="p", eventType=RunState.START, run=started, job=job, inputs=[raw]))
    client.emit(
        RunEvent(eventTime=at(5), producer="p", eventType=RunState.COMPLETE, run=Run(run), job=job, outputs=[clean])
    )
    client.emit(
        JobEvent(
            eventTime=at(6),
            producer="p",
            job=Job("etl", "declared"),
            inputs=[raw],
            outputs=[OutputDataset(LAKE, "out")],
        )
    )
    client.emit(DatasetEvent(eventTime=at(7), producer="p", dataset=StaticDataset(LAKE, "out")))
    report = import_file(bare.url, client.place)
    assert (report.accepted, report.rejected, report.warnings) == (4, 0, ())
    assert bare.edges() == {
        (f"{LAKE}/raw/orders", f"{LAKE}/clean/orders"), (f"{LAKE}/seeds/countries", f"{LAKE}/clean/orders"),
        (f"{LAKE}/raw/orders", f"{LAKE}/out"),
    }  # fmt: skip
    assert bare.rows("SELECT uuid, state, parent_uuid, ended_ns - started_ns FROM run") == [
        (run, "complete", parent, 300 * 10**9)
    ]
    assert bare.rows("SELECT label, facts FROM run_asset WHERE label IS NOT NULL") == [("17", '{"rows": 10}')]
    assert bare.find("hive://m:9083/shop.orders") == f"{LAKE}/clean/orders"
    assert set(bare.rows("SELECT source_field, target_field, transformation FROM column_edge")) == {
        ("id", "id", "DIRECT/IDENTITY"), ("name", "country", None)
    }  # fmt: skip
    again = import_file(bare.url, client.place)
    assert (again.accepted, again.repeated) == (0, 4)


def spark(path):
    """A directory as Spark tells of it, with what its integration adds."""
    return {
        "namespace": "file", "name": path,
        "facets": {
            "dataSource": facet(name="file", uri="file"),
            "schema": facet(fields=[{"name": "a", "type": "long"}, {"name": "b", "type": "struct", "fields": [{"name": "c", "type": "string"}]}]),
            "symlinks": facet(identifiers=[{"namespace": "file:/warehouse", "name": "default.t", "type": "TABLE"}]),
            "storage": facet(storageLayer="hive", fileFormat="parquet"),
            "catalog": facet(framework="hive", type="hive", name="default"),
        },
        "outputFacets": {"outputStatistics": facet(rowCount=2, size=1024, fileCount=2)},
    }  # fmt: skip


@pytest.mark.parametrize("crawl_first", [True, False])
def test_spark_names_the_directory_that_its_files_lie_in(tmp_path, db_url, crawl_first):
    from harness.lineage import Folder

    bench = Folder(db_url, tmp_path / "lake")
    bench.write("t/_SUCCESS", "t/.part-00000.crc", data=b"")
    bench.write(*(f"t/part-0000{n}-6e0a2cd0-9b1a-4b6e-8a3e-000000000000-c000.csv" for n in range(2)), data=CSV)
    place = str(tmp_path / "lake")
    out = spark(place + "/t")
    out["facets"]["lifecycleStateChange"] = facet(lifecycleStateChange="OVERWRITE")
    run = {"runId": str(uuid.uuid4()), "facets": {"spark_properties": facet(properties={"spark.app.id": "local-1"})}}
    job = {"namespace": "default", "name": "app.execute_insert_into_hadoop_fs_relation_command.t", "facets": {}}
    common = {
        "producer": "https://github.com/OpenLineage/OpenLineage/tree/1.40.1/integration/spark",
        "run": run,
        "job": job,
    }
    events = [
        {**common, "eventType": "START", "eventTime": at(0), "inputs": [], "outputs": []},
        {
            **common,
            "eventType": "RUNNING",
            "eventTime": at(1),
            "inputs": [{"namespace": "s3://elsewhere", "name": "raw"}],
            "outputs": [],
        },
        {**common, "eventType": "COMPLETE", "eventTime": at(2), "inputs": [], "outputs": [out]},
    ]
    if crawl_first:
        bench.crawl()
    bench.tell(*events)
    if not crawl_first:
        bench.crawl()
    assert bench.edges() == {("s3://elsewhere/raw", "lab/t")}
    assert bench.named() == {"s3://elsewhere/raw"}


def test_airflow_assets_and_dbt_models(bare):
    task = {
        "eventType": "COMPLETE", "eventTime": at(0), "producer": "https://github.com/apache/airflow/tree/providers-openlineage/2.20.3",
        "run": {
            "runId": str(uuid.uuid4()),
            "facets": {
                "airflow": facet(dag={"dag_id": "shop"}, task={"task_id": "clean"}),
                "parent": facet(run={"runId": str(uuid.uuid4())}, job={"namespace": "default", "name": "shop"}, root={"run": {}}),
            },
        },
        "job": {"namespace": "default", "name": "shop.clean", "facets": {"sourceCode": facet(language="python", sourceCode="def clean(): ...")}},
        "inputs": [], "outputs": [{"namespace": "file", "name": "/data/clean.parquet"}],
    }  # fmt: skip
    columns = {
        "fields": {
            "id": {
                "inputFields": [{"namespace": "duckdb:///data/shop.duckdb", "name": "shop.main.seed", "field": "id"}]
            }
        }
    }
    model = {
        "eventType": "COMPLETE", "eventTime": at(1), "producer": "https://github.com/OpenLineage/OpenLineage/tree/1.40.1/integration/dbt",
        "run": {"runId": str(uuid.uuid4()), "facets": {}}, "job": {"namespace": "dbt", "name": "shop.main.model", "facets": {}},
        "inputs": [], "outputs": [{"namespace": "duckdb:///data/shop.duckdb", "name": "shop.main.model", "facets": {"columnLineage": facet(**columns)}}],
    }  # fmt: skip
    report = bare.tell(task, model)
    assert (report.accepted, report.warnings) == (2, ())
    assert bare.edges() == {("duckdb:///data/shop.duckdb/shop.main.seed", "duckdb:///data/shop.duckdb/shop.main.model")}
    assert "file:///data/clean.parquet" in bare.named()


@pytest.mark.s3
@pytest.mark.parametrize("crawl_first", [True, False])
def test_a_bucket_meets_what_spark_calls_it(s3_server, db_url, monkeypatch, crawl_first):
    from harness.events import dataset, event
    from harness.lineage import Bench

    bucket = s3_server.bucket("lake")
    store = s3_server.store(bucket)
    for key in ("raw/day=1/part-0.csv", "raw/day=2/part-0.csv", "out/part-0.csv", "out/part-1.csv", "one.csv"):
        store.put(key, CSV)
    monkeypatch.setenv("TEST_S3_SECRET", s3_server.secret_key)
    options = {
        "endpoint": s3_server.endpoint, "region": s3_server.region, "access_key_id": s3_server.access_key,
        "secret_access_key": "env:TEST_S3_SECRET",
    }  # fmt: skip
    bench = Bench(db_url, f"s3://{bucket}", options)
    told = event(
        "COMPLETE", 1, "j", [dataset(f"s3a://{bucket}", "/raw/day=1/"), dataset(f"s3n://{bucket}/", "one.csv")], [dataset(f"s3://{bucket}/out", "/")]
    )  # fmt: skip
    if crawl_first:
        bench.crawl()
    bench.tell(told)
    if not crawl_first:
        bench.crawl()
    assert bench.edges() == {("lab/raw", "lab/out"), ("lab/one.csv", "lab/out")}
    assert bench.named() == set()
