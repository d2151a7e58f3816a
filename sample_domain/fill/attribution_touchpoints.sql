-- Attribution touchpoints. Of 1,200: rows 700 to 759 of the opportunity with many touchpoints, 800 to 949 of the 18
-- closed ones, 950 to 955 of the one in approval, 960 to 964 of the one being edited, 970 and 971 without a position.
insert into mm.biz_attribution_touchpoints (
    id, opportunity_id, contact_id, account_id, email, touchpoint_date, marketing_touch_type, channel, category1,
    category2, web_source, medium, landing_page, campaign_unique_id, is_first_touch, is_lead_creation_touch,
    is_opp_creation_touch, is_closed_touch, first_click_percentage, last_anon_click_percentage, u_shape_percentage,
    w_shape_percentage, full_path_percentage, custom_model_percentage, modified_date, _created_date, _modified_date)
select 'BAT2_' || lpad(n::text, 8, '0'),
       '006MM' || lpad(opportunity::text, 10, '0'),
       '003MM' || lpad((1 + n %% 250)::text, 10, '0'), '001MM' || lpad((1 + n %% %(accounts)s::int)::text, 10, '0'),
       'contact' || n || '@example.com',
       -- the first rows of the first opportunity are Adobe's example: AdWords FT, Google LC, Webinar PostLC, Facebook FT
       case when m between 800 and 949 and (m - 800) %% 18 = 0
            then timestamptz '2020-03-07' + (m - 800) / 18 * interval '5 days'
            else timestamptz '2020-01-01' + n * interval '3 hours' end,
       (array['Web Visit', 'Web Form', 'Web Chat', 'CRM Campaign', 'CRM Activity'])[1 + n %% 5],
       (array['Paid Search.AdWords', 'Organic Search.Google', 'Events.Webinar', 'Paid Social.Facebook'])[1 + n %% 4],
       (array['New Business', 'Renewal'])[1 + n %% 2], (array['SMB', 'Enterprise'])[1 + (n / 2) %% 2], 'Google', 'cpc',
       'https://northwind.example/landing/' || n %% 20,
       'CMP_' || lpad((1 + n %% (%(campaigns)s::int - 1))::text, 6, '0'),
       case when m not between 970 and 971 then n %% 4 = 0 end, case when m not between 970 and 971 then n %% 4 = 1 end,
       case when m not between 970 and 971 then n %% 4 = 2 end, case when m not between 970 and 971 then false end,
       -- every model shares all of an opportunity out over its touchpoints
       case when row_number() over (partition by opportunity order by n) = 1 then 100 else 0 end, 0,
       round(100.0 * case when n %% 4 < 2 then 5 else 1 end
             / sum(case when n %% 4 < 2 then 5 else 1 end) over (partition by opportunity), 4),
       round(100.0 * case when n %% 4 < 3 then 3 else 1 end
             / sum(case when n %% 4 < 3 then 3 else 1 end) over (partition by opportunity), 4),
       round(100.0 * case when n %% 4 < 3 then 2.25 else 1 end
             / sum(case when n %% 4 < 3 then 2.25 else 1 end) over (partition by opportunity), 4), 25,
       now() - interval '30 days', now() - interval '30 days', now() - interval '30 days' + n * interval '1 minute'
from (
    select n, m, case when m between 700 and 759 then 21
                      when m between 800 and 949 then 1 + (m - 800) %% 18
                      when m between 950 and 955 then 19
                      when m between 960 and 964 then 20
                      else 22 + n %% 58 end as opportunity
    from (select n, n %% 1200 as m from generate_series(1, %(attribution_touchpoints)s::int) n) numbered
) rows
