"""OpenLineage: which table went to which Salesforce object, column by column, and how many rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage

    from include.export.run import RunInputs
    from include.export.streams import Stream


@dataclass(frozen=True)
class LineageFacts:
    """The ends of a run: host:port/name of the source, the address of the org, the rows accepted."""

    database: str
    org: str
    rows: int

    @classmethod
    def of(cls, inputs: RunInputs, rows: int) -> LineageFacts:
        """Return the facts of a run that has ended; an org that was not called is named by its connection."""
        info = inputs.connection.info
        org = inputs.client.address or f"salesforce://{inputs.stream.salesforce}"
        return cls(f"{info.host}:{info.port}/{info.dbname}", org, rows)


def describe_lineage(stream: Stream, facts: LineageFacts) -> OperatorLineage[Any, Any]:
    """Return the lineage of a run of a stream, column by column."""
    # imported here: every task imports this module, and few Airflows report lineage
    from airflow.providers.common.compat.openlineage.facet import (
        ColumnLineageDatasetFacet,
        Dataset,
        Fields,
        InputField,
        OutputDataset,
        OutputStatisticsOutputDatasetFacet,
    )
    from airflow.providers.openlineage.extractors import OperatorLineage

    place, _, name = facts.database.partition("/")
    source = Dataset(namespace=f"postgres://{place}", name=f"{name}.{stream.source}")
    fields = {
        field: Fields(inputFields=[InputField(namespace=source.namespace, name=source.name, field=column)])
        for field, column in stream.fields.items()
    }
    target = OutputDataset(
        namespace=facts.org,
        name=stream.object,
        facets={"columnLineage": ColumnLineageDatasetFacet(fields=fields)},
        outputFacets={"outputStatistics": OutputStatisticsOutputDatasetFacet(rowCount=facts.rows)},
    )
    return OperatorLineage(inputs=[source], outputs=[target])
