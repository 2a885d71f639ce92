"""The crawl: listing → diff → load → sniff → group → inspect. Wires the rooms below together."""

from catalog.crawl.run import crawl_silo

__all__ = ["crawl_silo"]
