"""The tables ExportBatches and ExportBatchRows: requests, Bulk jobs and listed rows that are in flight."""

from __future__ import annotations

from include.export.ledger.batches.batches import ExportBatches
from include.export.ledger.batches.job_batches import CountedOnly, JobBatch, JobBatches, Unrecorded
from include.export.ledger.batches.listings import Listing, find_reach

__all__ = ["CountedOnly", "ExportBatches", "JobBatch", "JobBatches", "Listing", "Unrecorded", "find_reach"]
