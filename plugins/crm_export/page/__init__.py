"""The page CRM Export inside Airflow's UI: a JSON API over the core, and the files of its front end."""
