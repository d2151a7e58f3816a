-- Campaigns; the last one has an area of interest that the org's picklist does not know (Adobe's own example).
insert into mm.biz_campaigns (id, name, type, areas_of_interest, start_date, end_date, _created_date, _modified_date)
select 'CMP_' || lpad(n::text, 6, '0'), 'Campaign ' || n, (array['Webinar', 'Email', 'Advertisement'])[1 + n %% 3],
       case when n = %(campaigns)s::int then 'Unknown' else (array['Cloud', 'Security', 'Data'])[1 + n %% 3] end,
       date '2020-01-01' + n, date '2020-12-31', now() - interval '30 days',
       now() - interval '30 days' + n * interval '1 minute'
from generate_series(1, %(campaigns)s::int) n
