"""The Python API: connect, add silos, crawl, search, open. The only door for the faces above."""

from catalog.api.catalog import Catalog, connect
from catalog.api.dataset import Dataset, FileList, Schema
from catalog.api.results import Results
from catalog.store.crawls import CrawlRow
from catalog.store.migrate import backup, check, upgrade

__all__ = ["Catalog", "CrawlRow", "Dataset", "FileList", "Results", "Schema", "backup", "check", "connect", "upgrade"]
