"""Listings without listing: a silo's files read from an inventory or manifest instead of asking the storage.

The option `inventory=URL` of any silo names it: the folder, or the `manifest.json`, of an S3
Inventory report, or a Parquet, ORC or CSV file (or a folder of them) with one row a file. Only
the listing comes from there; files are read from the silo itself.
"""

from catalog.silos.inventory.silo import InventoriedSilo, inventoried

__all__ = ["InventoriedSilo", "inventoried"]
