-- Touchpoints. Of 5,000: 3 without a channel, 12 with a landing page that is too long, 8 of a contact that the org has
-- deleted, 60 of the campaign that the org rejects, 40 deleted here. Trouble begins after row 3,500.
insert into mm.biz_touchpoints (
    id, email, contact_id, account_id, lead_id, unique_id_person, user_touchpoint_id, touchpoint_date,
    marketing_touch_type, channel, category1, category2, browser_name, platform_name, landing_page, landing_page_raw,
    referrer_page, referrer_page_raw, form_page, form_page_raw, city, region, country, medium, web_source,
    campaign_unique_id, campaign_name, is_first_touch, is_lead_creation_touch, u_shape_percentage, is_deleted,
    modified_date, _created_date, _modified_date, _deleted_date)
select 'TP2_' || lpad(n::text, 8, '0'), 'person' || lead || '@example.com',
       '003MM' || lpad((case when m between 4200 and 4207 then 300 * %(scale)s else 1 + n %% 250 end)::text, 10, '0'),
       '001MM' || lpad((1 + n %% %(accounts)s::int)::text, 10, '0'), '00QMM' || lpad(lead::text, 10, '0'),
       '00QMM' || lpad(lead::text, 10, '0'), 'UTP_' || n, timestamptz '2020-01-01' + n * interval '1 hour',
       (array['Web Visit', 'Web Form', 'Web Chat', 'CRM Campaign', 'CRM Activity'])[1 + (n + %(seed)s) %% 5],
       case when m between 3600 and 3602 then null
            else (array['Paid Search.AdWords', 'Organic Search.Google', 'Paid Social.LinkedIn', 'Paid Social.Facebook',
                        'Email.Newsletter', 'Events.Webinar', 'Direct'])[1 + (n * 3 + %(seed)s) %% 7] end,
       (array['New Business', 'Renewal'])[1 + n %% 2], (array['SMB', 'Enterprise'])[1 + (n / 2) %% 2],
       'Firefox', 'Linux', 'https://northwind.example/landing/' || n %% 20,
       'https://northwind.example/landing/' || n %% 20
           || case when m between 3800 and 3811 then '?token=' || repeat('x', 300) else '?visit=' || n end,
       'https://search.example', 'https://search.example/?q=' || n,
       case when n %% 5 = 1 then 'https://northwind.example/form' end,
       case when n %% 5 = 1 then 'https://northwind.example/form?visit=' || n end,
       'São Paulo', 'SP', 'Brazil', (array['cpc', 'organic', 'social'])[1 + n %% 3], 'Google',
       'CMP_' || lpad((case when m between 4900 and 4959 then %(campaigns)s::int
                            else 1 + n %% (%(campaigns)s::int - 1) end)::text, 6, '0'),
       null, n %% 4 = 0, n %% 4 = 1, case when n %% 4 < 2 then 50 else 0 end, m between 3000 and 3039,
       now() - interval '30 days', now() - interval '30 days', now() - interval '30 days' + n * interval '1 minute',
       case when m between 3000 and 3039 then now() - interval '30 days' + n * interval '1 minute' end
from (select n, n %% 5000 as m, 1 + n %% 250 as lead from generate_series(1, %(touchpoints)s::int) n) rows
