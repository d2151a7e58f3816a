-- Groups export errors by cause, most records first.
with by_stream as (
    select e.cause, e.stream, count(*) as count,
           count(*) filter (where e.status = 'open') as open,
           count(*) filter (where e.status = 'waiting') as waiting,
           count(*) filter (where e.status = 'set_aside') as set_aside,
           count(*) filter (where e.status = 'ignored') as ignored,
           min(e.first_seen_at) as first_seen_at, max(e.last_seen_at) as last_seen_at, max(e.id) as example
    from crm_export.ExportErrors e
    where e.status = any (%(statuses)s)
      and (%(stream)s::text is null or e.stream = %(stream)s)
      and (%(object)s::text is null or e.object = %(object)s)
    group by e.cause, e.stream
), grouped as (
    select cause, sum(count)::bigint as count, sum(open)::bigint as open, sum(waiting)::bigint as waiting,
           sum(set_aside)::bigint as set_aside, sum(ignored)::bigint as ignored,
           min(first_seen_at) as first_seen_at, max(last_seen_at) as last_seen_at, max(example) as example,
           array_agg(stream order by stream) as streams
    from by_stream
    group by cause
    order by sum(count) desc, cause
    limit %(limit)s
), children as (
    select p.cause, count(*) as waiting
    from grouped g
    join crm_export.ExportErrors p on p.cause = g.cause and p.status <> 'resolved'
    join crm_export.ExportErrors c on c.waiting_for = p.id and c.status = 'waiting'
    group by p.cause
)
select g.cause, e.object, e.error_code as code, e.error_name as name, e.error_class, e.error_fields as fields,
       crm_export.normalise_message(e.error_message) as message, left(e.error_message, 1000) as example,
       g.count, g.open, g.waiting, g.set_aside, g.ignored, g.first_seen_at, g.last_seen_at, g.streams,
       array(select w.stream from crm_export.ExportWatermarks w
             join crm_export.ExportErrors h on h.id = w.stopped_at_error_id and h.status in ('open', 'waiting')
             where h.cause = g.cause order by w.stream) as holds,
       coalesce(c.waiting, 0) as children_waiting
from grouped g
join crm_export.ExportErrors e on e.id = g.example
left join children c on c.cause = g.cause
order by g.count desc, g.cause
