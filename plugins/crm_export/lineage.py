"""OpenLineage: which table went to which Salesforce object, column by column, and how many rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.openlineage.facet import (
    ColumnLineageDatasetFacet,
    Dataset,
    Fields,
    InputField,
    OutputDataset,
    OutputStatisticsOutputDatasetFacet,
)

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage

    from include.export.streams import Stream


def describe_lineage(stream: Stream, *, database: str, org: str, rows: int) -> OperatorLineage[Any, Any]:
    """Return the lineage of a run of a stream.

    `database` is host:port/name of the source, `org` the address of the org, `rows` how many rows were accepted.
    """
    from airflow.providers.openlineage.extractors import OperatorLineage

    place, _, name = database.partition("/")
    source = Dataset(namespace=f"postgres://{place}", name=f"{name}.{stream.source}")
    fields = {
        field: Fields(inputFields=[InputField(namespace=source.namespace, name=source.name, field=column)])
        for field, column in stream.fields.items()
    }
    target = OutputDataset(
        namespace=org,
        name=stream.object,
        facets={"columnLineage": ColumnLineageDatasetFacet(fields=fields)},
        outputFacets={"outputStatistics": OutputStatisticsOutputDatasetFacet(rowCount=rows)},
    )
    return OperatorLineage(inputs=[source], outputs=[target])
