"""The files of a Bulk 2.0 job: receiving its upload, and reading its results."""

from __future__ import annotations

from collections.abc import AsyncIterator

from salesforce_sandbox import assumptions
from salesforce_sandbox.jobs.bulk_jobs import DELIMITERS, LINE_ENDINGS, Job, ResultFile
from salesforce_sandbox.records.rejections import RequestRejected

BLOCK = 1 << 20  # bytes of a result file per block


async def receive_upload(blocks: AsyncIterator[bytes], job: Job) -> None:
    """Write the body of a request to the upload; a body that breaks off or is too large is discarded."""
    draft, size = job.folder / "upload.draft", 0
    try:
        with draft.open("wb") as file:
            async for block in blocks:
                size += len(block)
                if size <= assumptions.UPLOAD_LIMIT:
                    file.write(block)
        if size > assumptions.UPLOAD_LIMIT:
            message = "The data of a job may have 150 MB in base64, 100 MB as it is."
            raise RequestRejected(*assumptions.TOO_LARGE, message)
        draft.rename(job.upload)
    finally:
        draft.unlink(missing_ok=True)


async def read_results(job: Job, file: ResultFile) -> AsyncIterator[bytes]:
    """Return a result file in blocks, its header first."""
    titles = {ResultFile.SUCCESSFUL: '"sf__Id","sf__Created",', ResultFile.FAILED: '"sf__Id","sf__Error",'}
    title = titles.get(file, "").replace(",", DELIMITERS[job.asked.delimiter])
    yield f"{title}{job.header}{LINE_ENDINGS[job.asked.line_ending]}".encode()
    for part in job.parts[file]:
        with part.open("rb") as content:
            while block := content.read(BLOCK):
                yield block
