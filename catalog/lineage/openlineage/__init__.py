"""OpenLineage events: read leniently into plain values, and written for recorded runs.

The specification is followed where it is followed: `eventTime` and one of run, job and dataset are needed, everything
else that is missing or wrong is a warning. https://openlineage.io/spec/2-0-2/OpenLineage.json
"""

from catalog.lineage.openlineage.events import parse
from catalog.lineage.openlineage.files import read

__all__ = ["parse", "read"]
