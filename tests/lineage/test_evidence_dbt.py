"""What dbt's manifest claims: compiled by dbt itself."""

from __future__ import annotations

import json

import pytest
from evidence_files import FIXTURES, edges, recorded, told

from catalog.model.lineage import Identity

PATH = "target/manifest.json"
MANIFEST = json.loads((FIXTURES / "dbt/shop" / PATH).read_text())


def changed(change):
    manifest = json.loads(json.dumps(MANIFEST))
    change(manifest)
    return told(PATH, json.dumps(manifest))


def test_tables_and_files_are_joined_and_what_is_inlined_is_looked_through():
    found = recorded("dbt/shop", PATH)
    assert edges(found) == {
        ("team/seeds/orders.csv", "derived", "shop.main.orders"),
        ("shop.main.orders", "derived", "shop.main.stg_orders"),
        ("shop.main.stg_orders", "derived", "team/out/joined.parquet"),
        ("team/raw/customers.csv", "derived", "team/out/joined.parquet"),
        ("team/out/joined.parquet", "derived", "shop.main.totals"),
    }
    assert {c.evidence.kind for c in found.claims} == {"declared"}
    assert {c.source.identity.namespace for c in found.claims} == {"s3://lake", "dbt:shop"}


def test_an_edge_says_which_node_reads_what():
    (claim,) = [c for c in recorded("dbt/shop", PATH).claims if c.source.identity.name.endswith("customers.csv")]
    assert claim.evidence.field == "nodes.model.shop.stg_customers.depends_on.nodes[0]"
    assert claim.evidence.detail == "dbt model; external"
    assert claim.job == Identity("s3://lake", "team:model.shop.joined")


def test_tables_of_bigquery_have_complete_names():
    def change(manifest):
        manifest["metadata"]["adapter_type"] = "bigquery"

    assert Identity("bigquery", "shop.main.totals") in {c.target.identity for c in changed(change).claims}


def test_a_project_beside_its_manifest_is_its_own_folder():
    found = told("out/manifest.json", json.dumps(MANIFEST))
    assert Identity("s3://lake", "team/out/raw/customers.csv") in {c.source.identity for c in found.claims}


def test_a_source_read_by_an_expression_is_a_table():
    def change(manifest):
        source = manifest["sources"]["source.shop.raw.customers"]
        source["meta"] = source["config"]["meta"] = {"external_location": "read_csv('raw/x.csv')"}

    assert ("shop.raw.customers", "derived", "team/out/joined.parquet") in edges(changed(change))


def test_a_seed_of_another_package_is_no_file_of_this_one():
    def change(manifest):
        manifest["nodes"]["seed.shop.orders"]["package_name"] = "other"

    assert not any(source.endswith("orders.csv") for source, _, _ in edges(changed(change)))


def test_models_that_are_inlined_in_a_circle_come_to_an_end():
    def change(manifest):
        node = manifest["nodes"]["model.shop.stg_customers"]
        node["depends_on"]["nodes"] = [
            "model.shop.stg_customers",
            "model.shop.joined",
            "source.shop.raw.customers",
            "gone",
            3,
        ]

    assert ("team/raw/customers.csv", "derived", "team/out/joined.parquet") in edges(changed(change))


@pytest.mark.parametrize(
    "text",
    ["{}", '{"name": "an app", "start_url": "/"}', '{"metadata": {"dbt_schema_version": "https://x/dbt/run-results/v6.json"}}',
     '{"metadata": 3, "nodes": []}', '{"metadata": {"dbt_schema_version": "/dbt/manifest/"}, "nodes": {"a": 3, "b": {"resource_type": "model"}}}'],
)  # fmt: skip
def test_another_manifest_is_no_evidence(text):
    assert (told(PATH, text).claims, told(PATH, text).findings) == ((), ())
