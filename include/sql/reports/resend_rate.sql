-- Reads how many rows a second the recent larger runs of a stream sent.
select sum(r.rows_sent) / nullif(sum(extract(epoch from r.ended_at - r.started_at)), 0)
from (select rows_sent, started_at, ended_at from crm_export.ExportRuns
      where stream = %(stream)s and kind = 'export' and outcome = 'complete' and rows_sent >= 100
      order by id desc limit 10) r
